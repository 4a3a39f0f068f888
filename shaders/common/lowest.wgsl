// e^LOWEST is nothing beside 1, and its products are normal numbers: processors take a hundred times as long over others.
const LOWEST = -60.0;
