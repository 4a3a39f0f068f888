use pushforward::data::Table;
use pushforward::data::toy::Toy;

use super::sentence;

const ROWS: usize = 200_000;

fn points(table: &Table) -> impl Iterator<Item = [f64; 2]> + '_ {
    (0..table.rows()).map(|row| [table.row(row)[0], table.row(row)[1]])
}

/// The mean of f over the sample, and its standard error.
fn mean(table: &Table, f: impl Fn([f64; 2]) -> f64) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for value in points(table).map(f) {
        sum += value;
        squares += value * value;
    }
    let n = table.rows() as f64;
    let average = sum / n;
    (average, ((squares / n - average * average) / n).sqrt())
}

#[test]
fn mean_and_covariance_are_those_of_the_closed_form() {
    for toy in Toy::ALL {
        let table = toy.sample(ROWS, 1);
        let distribution = toy.moments();
        for i in 0..2 {
            let (found, error) = mean(&table, |p| p[i]);
            assert!(
                (found - distribution.mean[i]).abs() < 5.0 * error,
                "{toy}: mean {i} is {found} ± {error}, not {}",
                distribution.mean[i]
            );
            for j in 0..=i {
                let (found, error) = mean(&table, |p| (p[i] - distribution.mean[i]) * (p[j] - distribution.mean[j]));
                let expected = distribution.covariance[i][j];
                assert!((found - expected).abs() < 5.0 * error, "{toy}: covariance {i}{j} is {found} ± {error}, not {expected}");
                assert_eq!(distribution.covariance[i][j], distribution.covariance[j][i]);
            }
        }
    }
}

#[test]
fn samples_fall_where_the_density_says() {
    // Boxes of side 1 over [−8, 8)², each integrated by midpoints of 40 × 40 cells; 25gaussians' standard deviation is two cells. The
    // discontinuities of the other densities lie on cell borders.
    const CELLS: usize = 40;
    for toy in Toy::ALL {
        if toy.log_density([0.3, 0.3]).is_none() {
            continue;
        }
        let table = toy.sample(ROWS, 2);
        let mut counts = [[0usize; 16]; 16];
        for [x, y] in points(&table) {
            if let (0..16, 0..16) = ((x + 8.0).floor() as i64, (y + 8.0).floor() as i64) {
                counts[(x + 8.0) as usize][(y + 8.0) as usize] += 1;
            }
        }
        let mut total = 0.0;
        for (i, column) in counts.iter().enumerate() {
            for (j, &count) in column.iter().enumerate() {
                let corner = |k: usize, cell: usize| k as f64 - 8.0 + (cell as f64 + 0.5) / CELLS as f64;
                let share = (0..CELLS * CELLS)
                    .map(|cell| toy.log_density([corner(i, cell / CELLS), corner(j, cell % CELLS)]).unwrap().exp())
                    .sum::<f64>()
                    / (CELLS * CELLS) as f64;
                total += share;
                let expected = share * ROWS as f64;
                // six standard errors of a binomial count (256 boxes, six distributions), and one row for nearly empty boxes
                let allowed = 6.0 * (expected * (1.0 - share).max(0.0)).sqrt() + 1.0;
                assert!(
                    (count as f64 - expected).abs() <= allowed,
                    "{toy}: box {i},{j} has {count} rows, not {expected} ± {allowed}"
                );
            }
        }
        // All but the tails lies in [−8, 8)²: banana's x reaches beyond 8 with probability 1.1 %.
        assert!((total - 1.0).abs() < if toy == Toy::Banana { 0.02 } else { 1e-4 }, "{toy}: total {total}");
    }
}

#[test]
fn rows_lie_along_the_curves() {
    // Distances to the noiseless curve (found on a fine grid along it) have the distribution |N| of a normal across the curve: its mean square is
    // the noise's variance to first order in noise × curvature, and no row of 20,000 is 5.5 standard deviations away.
    let grid = |n: usize| (0..n).map(move |i| (i as f64 + 0.5) / n as f64);
    let tau = std::f64::consts::TAU;
    let pi = std::f64::consts::PI;
    let circle = |r: f64| grid(2000).map(move |u| [r * (tau * u).cos(), r * (tau * u).sin()]).collect::<Vec<_>>();
    let rings = [0.75, 1.5, 2.25, 3.0].map(circle).concat();
    let upper = grid(2000).map(|u| [2.0 * (pi * u).cos() - 1.0, 2.0 * (pi * u).sin() - 0.2]);
    let lower = grid(2000).map(|u| [1.0 - 2.0 * (pi * u).cos(), 0.8 - 2.0 * (pi * u).sin()]);
    let moons: Vec<[f64; 2]> = upper.chain(lower).collect();
    let roll = grid(4000).map(|u| 1.5 * pi * (1.0 + 2.0 * u)).map(|t| [t * t.cos() / 5.0, t * t.sin() / 5.0]).collect();
    for (toy, curve, noise) in [(Toy::Rings, rings, 0.08), (Toy::Moons, moons, 0.2), (Toy::SwissRoll, roll, 0.2)] {
        let table = toy.sample(4000, 3);
        let nearest =
            |p: [f64; 2]| curve.iter().map(|c| (p[0] - c[0]).powi(2) + (p[1] - c[1]).powi(2)).fold(f64::INFINITY, f64::min);
        let squares: Vec<f64> = points(&table).map(nearest).collect();
        let average = squares.iter().sum::<f64>() / squares.len() as f64 / (noise * noise);
        assert!((0.8..1.15).contains(&average), "{toy}: mean square distance is {average} of the noise's");
        assert!(squares.iter().all(|square| square.sqrt() < 5.5 * noise), "{toy}");
    }
}

#[test]
fn the_arms_of_spiral_and_pinwheel_are_equally_full() {
    // Spiral: x ↦ −x keeps the distribution. Pinwheel: turning by 2π/5 does. Odd and non-invariant moments vanish within five standard errors.
    let spiral = Toy::Spiral.sample(ROWS, 4);
    for power in [1, 3] {
        let (found, error) = mean(&spiral, |p| p[0].powi(power) + 0.5 * p[1].powi(power));
        assert!(found.abs() < 5.0 * error);
    }
    let pinwheel = Toy::Pinwheel.sample(ROWS, 4);
    for k in 1..5 {
        let (found, error) = mean(&pinwheel, |p| (p[1].atan2(p[0]) * f64::from(k)).cos());
        assert!(found.abs() < 5.0 * error, "k = {k}: {found} ± {error}");
    }
    let (found, _) = mean(&pinwheel, |p| (p[1].atan2(p[0]) * 5.0).cos());
    assert!(found.abs() > 0.1, "the arms themselves show in the fifth harmonic: {found}");
}

#[test]
fn seeds_give_the_same_rows_for_ever() {
    // The third row of seed 0, pinned: a run folder's seed must mean the same data in every later version. The tolerance is for
    // the last digit of another machine's sine, cosine and exponential.
    let pinned = [
        ("8gaussians", [-3.8433688, 0.28363755]),
        ("moons", [1.4778833, -0.8837063]),
        ("checkerboard", [2.289917, -1.620343]),
        ("spiral", [-1.9726036, 1.5019307]),
        ("rings", [-2.2617643, -2.0221405]),
        ("pinwheel", [-0.29637015, 0.122324325]),
        ("swissroll", [0.71228063, 0.37954256]),
        ("gaussian", [-0.093272634, 0.91023046]),
        ("uniform", [0.46034285, 0.7862396]),
        ("banana", [0.9189303, -0.18654527]),
        ("25gaussians", [-4.1392894, -3.9755142]),
    ];
    for (name, expected) in pinned {
        let table = name.parse::<Toy>().unwrap().sample(3, 0);
        for (found, expected) in table.row(2).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{name}: {:?}", table.row(2));
        }
    }
    assert_eq!(pinned.len(), Toy::ALL.len());
}

#[test]
fn a_longer_table_starts_with_a_shorter_one_and_other_seeds_differ() {
    for toy in Toy::ALL {
        let long = toy.sample(50, 9);
        assert_eq!(toy.sample(20, 9).values(), &long.values()[..40]);
        assert_ne!(toy.sample(20, 10).values(), &long.values()[..40]);
    }
}

#[test]
fn names_read_back_and_descriptions_are_one_line() {
    for toy in Toy::ALL {
        assert_eq!(toy.name().parse::<Toy>().unwrap(), toy);
        assert!(!toy.description().is_empty() && !toy.description().contains('\n'));
    }
    assert!(sentence("Moons".parse::<Toy>()).contains("did you mean `moons`?"));
}

#[test]
fn scores_are_the_slopes_of_the_log_density() {
    let points: [[f64; 2]; 4] = [[0.3, -0.2], [2.4, 0.4], [-1.1, 2.03], [3.9, -4.1]];
    let known: Vec<Toy> = Toy::ALL.into_iter().filter(|toy| toy.score([0.0; 2]).is_some()).collect();
    assert_eq!(known, [Toy::EightGaussians, Toy::Gaussian, Toy::Banana, Toy::TwentyFiveGaussians]);
    for toy in known {
        for at in points {
            let slopes = pushforward::reference::differences(&at, |p| toy.log_density([p[0], p[1]]).unwrap());
            pushforward::reference::check_gradient(toy.name(), &toy.score(at).unwrap(), &slopes, 1e-7);
            if let Some(distribution) = toy.mixture() {
                let (one, other) = (distribution.log_density(&at), toy.log_density(at).unwrap());
                assert!((one - other).abs() < 1e-9 * other.abs().max(1.0), "{toy}: {one} {other}");
            }
        }
    }
}
