// Which way a row passes an invertible layer: `forward` from data towards the latent space, `inverse` back.
#axis DIRECTION: forward inverse
