//! Proves the invariants of the stock from the raw tables (DESIGN section 5: 3 and 4).

use kernel::{Breach, Check, Cx, Result};

pub(crate) const CHECKS: &[Check] = &[
    Check { name: "inventory.quants", invariant: 3, run: quants },
    Check { name: "inventory.value", invariant: 4, run: value },
];

fn all(cx: &mut Cx<'_>, queries: &[(&str, &str)]) -> Result<Vec<Breach>> {
    let mut out = Vec::new();
    for (message, sql) in queries {
        let rows = cx.conn().rows(sql, &[])?;
        if !rows.is_empty() {
            out.push(Breach {
                message: (*message).to_owned(),
                rows: rows.iter().take(20).map(|r| format!("{r:?}")).collect(),
            });
        }
    }
    Ok(out)
}

fn quants(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    all(
        cx,
        &[
            (
                "stock below zero, or promised beyond what is there",
                "SELECT id, product, location, on_hand, reserved FROM inventory_quant WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand LIMIT 20",
            ),
            (
                "stock outside of internal places",
                "SELECT q.id, q.location FROM inventory_quant q LEFT JOIN inventory_location l ON l.id = q.location WHERE l.id IS NULL OR l.kind <> 'internal' LIMIT 20",
            ),
            (
                "promised quantities differ from the reservations",
                "SELECT product, location, SUM(reserved), SUM(promised) FROM (SELECT product, location, reserved, 0 AS promised FROM inventory_quant \
                 UNION ALL SELECT product, location, 0, quantity FROM inventory_reservation) x GROUP BY product, location HAVING SUM(reserved) <> SUM(promised) LIMIT 20",
            ),
            (
                "stock differs from its movements",
                "SELECT product, location, SUM(here), SUM(moved) FROM (SELECT product, location, on_hand AS here, 0 AS moved FROM inventory_quant \
                 UNION ALL SELECT m.product, m.\"to\", 0, m.quantity FROM inventory_move m JOIN inventory_location l ON l.id = m.\"to\" AND l.kind = 'internal' \
                 UNION ALL SELECT m.product, m.\"from\", 0, -m.quantity FROM inventory_move m JOIN inventory_location l ON l.id = m.\"from\" AND l.kind = 'internal') x \
                 GROUP BY product, location HAVING SUM(here) <> SUM(moved) LIMIT 20",
            ),
            (
                "deliveries, receipts and write-offs that differ from their movements",
                "SELECT entity, source, product, SUM(told), SUM(moved) FROM (\
                 SELECT 'inventory.delivery' AS entity, l.delivery AS source, l.product, l.shipped AS told, 0 AS moved \
                 FROM inventory_delivery_line l JOIN inventory_delivery d ON d.id = l.delivery AND d.state = 'shipped' \
                 UNION ALL SELECT 'inventory.receipt', l.receipt, l.product, l.quantity, 0 \
                 FROM inventory_receipt_line l JOIN inventory_receipt d ON d.id = l.receipt AND d.state = 'received' \
                 UNION ALL SELECT 'inventory.write_off', l.write_off, l.product, l.quantity, 0 \
                 FROM inventory_write_off_line l JOIN inventory_write_off d ON d.id = l.write_off AND d.state = 'posted' \
                 UNION ALL SELECT source_entity, source, product, 0, quantity FROM inventory_move WHERE source_entity IN \
                 ('inventory.delivery', 'inventory.receipt', 'inventory.write_off')) x \
                 GROUP BY entity, source, product HAVING SUM(told) <> SUM(moved) LIMIT 20",
            ),
            ("movements of nothing", "SELECT id, quantity FROM inventory_move WHERE quantity <= 0 LIMIT 20"),
        ],
    )
}

fn value(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    all(
        cx,
        &[
            (
                "the ledger's stock accounts differ from the value of the stock",
                "SELECT company, SUM(ledger), SUM(stock) FROM (SELECT l.company, l.amount AS ledger, 0 AS stock FROM finance_entry_line l \
                 JOIN finance_account a ON a.id = l.account AND a.controlled_by = 'stock' \
                 UNION ALL SELECT company, 0, value FROM inventory_valuation) x GROUP BY company HAVING SUM(ledger) <> SUM(stock) LIMIT 20",
            ),
            (
                "documents whose movements are worth something else than their entries",
                "SELECT entity, source, SUM(moved), SUM(ledger) FROM (\
                 SELECT m.source_entity AS entity, m.source, m.value AS moved, 0 AS ledger FROM inventory_move m \
                 JOIN inventory_location l ON l.id = m.\"to\" AND l.kind = 'internal' WHERE m.source IS NOT NULL \
                 UNION ALL SELECT m.source_entity, m.source, -m.value, 0 FROM inventory_move m \
                 JOIN inventory_location l ON l.id = m.\"from\" AND l.kind = 'internal' WHERE m.source IS NOT NULL \
                 UNION ALL SELECT e.source_entity, e.source, 0, l.amount FROM finance_entry_line l JOIN finance_entry e ON e.id = l.entry \
                 JOIN finance_account a ON a.id = l.account AND a.controlled_by = 'stock' WHERE e.source IS NOT NULL) x \
                 GROUP BY entity, source HAVING SUM(moved) <> SUM(ledger) LIMIT 20",
            ),
            (
                "the value of a product differs from its movements",
                "SELECT product, SUM(kept), SUM(moved), SUM(quantity), SUM(quantities) FROM \
                 (SELECT product, value AS kept, 0 AS moved, quantity, 0 AS quantities FROM inventory_valuation \
                 UNION ALL SELECT m.product, 0, m.value, 0, m.quantity FROM inventory_move m JOIN inventory_location l ON l.id = m.\"to\" AND l.kind = 'internal' \
                 UNION ALL SELECT m.product, 0, -m.value, 0, -m.quantity FROM inventory_move m JOIN inventory_location l ON l.id = m.\"from\" AND l.kind = 'internal') x \
                 GROUP BY product HAVING SUM(kept) <> SUM(moved) OR SUM(quantity) <> SUM(quantities) LIMIT 20",
            ),
            (
                "value without goods",
                "SELECT product, quantity, value FROM inventory_valuation WHERE quantity = 0 AND value <> 0 LIMIT 20",
            ),
        ],
    )
}
