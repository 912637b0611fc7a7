//! What each export of a guest cost: calls and fuel.
//!
//! Extension of plugin ABI W40. Only guests that are called by their exports have it: a JSON-RPC
//! plugin has one export for everything. Deciding is nobody's work here.

/// Exports that are told apart; what more there are count together as `*`.
const MOST: usize = 64;

/// Calls and fuel per export, in the order in which they were first called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    rows: Vec<ExportUse>,
}

/// One export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportUse {
    /// Its name; `*` for all that were too many.
    pub export: Box<str>,
    /// Calls that came to an end.
    pub calls: u64,
    /// Fuel of all its calls, also of those that did not come to an end.
    pub fuel: u64,
}

impl Usage {
    /// All rows.
    pub fn rows(&self) -> &[ExportUse] {
        &self.rows
    }

    /// Where an export is counted; holds until somebody takes the counts over.
    pub(crate) fn place(&mut self, export: &str) -> usize {
        let known = self.rows.iter().position(|row| &*row.export == export);
        known.unwrap_or_else(|| self.new_row(export))
    }

    /// A part of a call of the export in this place has been executed.
    pub(crate) fn burned(&mut self, place: usize, fuel: u64) {
        if let Some(row) = self.rows.get_mut(place) {
            row.fuel = row.fuel.saturating_add(fuel);
        }
    }

    /// A call came to its end.
    pub(crate) fn finished(&mut self, export: &str) {
        let row = self.row(export);
        row.calls = row.calls.saturating_add(1);
    }

    /// Takes over what another has counted, which begins anew and keeps its memory.
    pub(crate) fn take(&mut self, from: &mut Usage) {
        for ExportUse { export, calls, fuel } in &mut from.rows {
            let row = self.row(export);
            row.calls = row.calls.saturating_add(std::mem::take(calls));
            row.fuel = row.fuel.saturating_add(std::mem::take(fuel));
        }
    }

    /// Adds another life's.
    pub fn add(&mut self, other: &Usage) {
        self.take(&mut other.clone());
    }

    fn row(&mut self, export: &str) -> &mut ExportUse {
        let at = self.place(export);
        &mut self.rows[at]
    }

    fn new_row(&mut self, export: &str) -> usize {
        if self.rows.len() > MOST {
            return MOST;
        }
        let export = if self.rows.len() == MOST { "*" } else { export };
        self.rows.push(ExportUse { export: export.into(), calls: 0, fuel: 0 });
        self.rows.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_fuel_are_kept_apart_and_added_once() {
        let (mut here, mut away) = (Usage::default(), Usage::default());
        for _ in 0..2 {
            let place = away.place("poll");
            away.burned(place, 10);
            let place = away.place("poll");
            away.burned(place, 5);
            away.finished("poll");
            let place = away.place("delta_handler");
            away.burned(place, 1);
            here.take(&mut away);
        }
        let rows: Vec<_> = here.rows().iter().map(|r| (&*r.export, r.calls, r.fuel)).collect();
        assert_eq!(rows, [("poll", 2, 30), ("delta_handler", 0, 2)]);
    }

    #[test]
    fn a_guest_with_a_thousand_handlers_costs_64_rows() {
        let mut usage = Usage::default();
        for number in 0..1000 {
            usage.finished(&format!("handle_{number}"));
        }
        assert_eq!(usage.rows().len(), MOST + 1);
        let last = usage.rows().last().unwrap();
        assert_eq!((&*last.export, last.calls), ("*", 1000 - 64));
    }
}
