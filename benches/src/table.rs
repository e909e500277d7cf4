//! Tables that read the same in a terminal and in Markdown.

use std::fmt;

/// Cells, all rows as long as the header. The first column is text, the others numbers.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// Short rows are filled up with empty cells.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let columns = self.rows[0].len();
        // A bar would begin the next cell.
        let cells = cells.into_iter().map(|cell| cell.replace('|', "\\|"));
        self.rows.push(cells.chain(std::iter::repeat(String::new())).take(columns).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = 0..self.rows[0].len();
        let widest = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = columns.map(|column| widest(column).unwrap_or(0).max(3)).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "| {cell:<width$} |")?;
                } else {
                    write!(f, " {cell:>width$} |")?;
                }
            }
            f.write_str("\n")?;
            if index == 0 {
                for (column, width) in widths.iter().enumerate() {
                    if column == 0 {
                        write!(f, "| {} |", "-".repeat(*width))?;
                    } else {
                        write!(f, " {}: |", "-".repeat(*width - 1))?;
                    }
                }
                f.write_str("\n")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["way", "time ±", "n"]);
        table.row(["native".to_owned(), "1.0 ± 0.1".to_owned(), "12".to_owned()]);
        table.row(["a|b".to_owned()]);
        let expected = "\
| way    |    time ± |   n |
| ------ | --------: | --: |
| native | 1.0 ± 0.1 |  12 |
| a\\|b   |           |     |
";
        assert_eq!(table.to_string(), expected);
    }
}
