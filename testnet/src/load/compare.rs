//! What trust costs: mode hpaxos against mode paxos, for each size of values and demand. No I/O.

use super::clients::Demand;
use super::show::Row;
use super::tally::per_second;
use crate::show::words;
use node::config::Mode;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// What came of one demand with values of one size in one mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The mode.
    pub mode: Mode,
    /// Bytes of each value.
    pub value_bytes: u32,
    /// What was asked of the network.
    pub demand: Demand,
    /// Values decided in a second.
    pub rate: f64,
    /// The median of the times.
    pub median: Duration,
    /// 99 of 100 do not exceed it.
    pub p99: Duration,
}

impl Cell {
    /// Of a measurement of so much time.
    #[must_use]
    pub fn of(mode: Mode, row: &Row, time: Duration) -> Cell {
        Cell {
            mode,
            value_bytes: row.value_bytes,
            demand: row.demand,
            rate: per_second(row.tally.values, time),
            median: row.tally.times.quantile(0.5),
            p99: row.tally.times.quantile(0.99),
        }
    }

    fn json(&self) -> Json {
        let ms = |time: Duration| time.as_micros() as f64 / 1e3;
        json!({"values_per_second": self.rate, "median_ms": ms(self.median), "p99_ms": ms(self.p99)})
    }

    fn words(&self) -> String {
        let [median, p99] = [self.median, self.p99].map(words::time);
        format!("{:>10.0}{median:>10}{p99:>10}", self.rate)
    }
}

/// The same measurement in both modes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// In mode hpaxos.
    pub hpaxos: Cell,
    /// In mode paxos.
    pub paxos: Cell,
}

/// What was measured in both modes, in the order of the measurements in mode hpaxos.
#[must_use]
pub fn pairs(cells: &[Cell]) -> Vec<Pair> {
    let of_mode = |mode| cells.iter().filter(move |cell| cell.mode == mode);
    let pair = |hpaxos: &Cell| {
        let same =
            |cell: &&Cell| (cell.value_bytes, cell.demand) == (hpaxos.value_bytes, hpaxos.demand);
        let paxos = of_mode(Mode::Paxos).find(same)?;
        Some(Pair {
            hpaxos: *hpaxos,
            paxos: *paxos,
        })
    };
    of_mode(Mode::Hpaxos).filter_map(pair).collect()
}

/// The head of the table.
pub const HEAD: [&str; 2] = [
    "                  hpaxos                        paxos                         hpaxos / paxos",
    "  bytes   demand  values/s    median       p99  values/s    median       p99  values/s  median     p99",
];

impl Pair {
    /// Rates, medians and 99th percentiles: each of mode hpaxos for one of mode paxos.
    #[must_use]
    pub fn ratios(&self) -> [f64; 3] {
        let time = |of: fn(&Cell) -> Duration| {
            of(&self.hpaxos).as_secs_f64() / of(&self.paxos).as_secs_f64()
        };
        [
            self.hpaxos.rate / self.paxos.rate,
            time(|c| c.median),
            time(|c| c.p99),
        ]
    }

    /// A line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let (hpaxos, paxos) = (self.hpaxos.words(), self.paxos.words());
        let [rate, median, p99] = self.ratios();
        format!(
            "{:>7}{:>9}{hpaxos}{paxos}{rate:>10.2}{median:>8.1}{p99:>8.1}",
            self.hpaxos.value_bytes,
            self.hpaxos.demand.short()
        )
    }

    /// For a program.
    #[must_use]
    pub fn json(&self) -> Json {
        let [rate, median, p99] = self.ratios();
        let (clients, offered) = self.hpaxos.demand.numbers();
        json!({
            "event": "compare", "value_bytes": self.hpaxos.value_bytes,
            "clients": clients, "rate": offered,
            "hpaxos": self.hpaxos.json(), "paxos": self.paxos.json(),
            "hpaxos_of_paxos": {"values_per_second": rate, "median": median, "p99": p99},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(mode: Mode, value_bytes: u32, clients: usize, rate: f64) -> Cell {
        let ms = |n: f64| Duration::from_secs_f64(n / 1e3);
        Cell {
            mode,
            value_bytes,
            demand: Demand::Clients(clients),
            rate,
            median: ms(1e6 / rate),
            p99: ms(4e6 / rate),
        }
    }

    #[test]
    fn the_same_measurements_are_compared_and_no_others() {
        let cells = [
            cell(Mode::Hpaxos, 100, 1, 500.0),
            cell(Mode::Hpaxos, 100, 8, 600.0),
            cell(Mode::Hpaxos, 10_000, 8, 50.0),
            cell(Mode::Paxos, 100, 8, 1200.0),
            cell(Mode::Paxos, 100, 1, 2000.0),
            cell(Mode::DiskPaxos, 10_000, 8, 1.0),
        ];
        let found = pairs(&cells);
        let all: Vec<(u32, Demand, f64)> = found
            .iter()
            .map(|p| (p.hpaxos.value_bytes, p.hpaxos.demand, p.ratios()[0]))
            .collect();
        let [one, eight] = [1, 8].map(Demand::Clients);
        assert_eq!(all, [(100, one, 0.25), (100, eight, 0.5)]);
        let [_, median, p99] = found[0].ratios();
        assert!((median - 4.0).abs() < 1e-6 && (p99 - 4.0).abs() < 1e-6);
        assert_eq!(
            found[0].json()["hpaxos_of_paxos"]["values_per_second"],
            0.25
        );
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let pair = pairs(&[
            cell(Mode::Hpaxos, 10_000, 512, 500.0),
            cell(Mode::Paxos, 10_000, 512, 2000.0),
        ]);
        let line = pair[0].line();
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = "10000 512 500 2.00 s 8.00 s 2000 500 ms 2.00 s 0.25 4.0 4.0";
        assert_eq!(words.join(" "), expected);
        assert_eq!(line.len(), HEAD[1].len());
    }
}
