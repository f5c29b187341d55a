//! Proves from the raw tables what must hold of leads and deals after every commit.

use kernel::{Breach, Check, Cx, Result};

/// Beyond the ten invariants of the house; a module may have further ones of its own.
pub(crate) const CHECKS: &[Check] = &[Check { name: "crm.deals", invariant: 0, run: deals }];

const QUERIES: &[(&str, &str)] = &[
    (
        "a deal stands where deals of its state do not stand",
        "SELECT d.id, d.state, s.name FROM crm_deal d JOIN crm_stage s ON s.id = d.stage WHERE d.pipeline <> s.pipeline \
         OR (d.state = 'open' AND s.won + s.lost > 0) OR (d.state = 'won' AND s.lost = 1) OR (d.state = 'lost' AND s.won = 1) LIMIT 20",
    ),
    (
        "the likelihood of a deal differs from its stage",
        "SELECT d.id, d.probability, s.probability FROM crm_deal d JOIN crm_stage s ON s.id = d.stage WHERE d.probability <> \
         CASE d.state WHEN 'won' THEN 100 WHEN 'lost' THEN 0 ELSE s.probability END LIMIT 20",
    ),
    (
        "what a deal is worth differs from its amount and likelihood by half a unit or more",
        "SELECT id, amount, probability, expected FROM crm_deal WHERE (amount IS NULL) <> (expected IS NULL) \
         OR ABS(100 * expected - amount * probability) > 50 OR amount_currency <> expected_currency LIMIT 20",
    ),
    (
        "a converted lead has no customer or no deal, or another lead has one",
        "SELECT id, state FROM crm_lead WHERE (state = 'converted' AND (party IS NULL OR deal IS NULL)) \
         OR (state <> 'converted' AND (party IS NOT NULL OR deal IS NOT NULL)) LIMIT 20",
    ),
    (
        "a deal came from a lead that became another one",
        "SELECT d.id, l.id FROM crm_deal d JOIN crm_lead l ON l.id = d.lead WHERE l.deal IS NULL OR l.deal <> d.id LIMIT 20",
    ),
    (
        "the next step of a deal that has ended still waits",
        "SELECT d.id, t.id FROM crm_deal d JOIN process_task t ON t.id = d.next_task WHERE d.state <> 'open' \
         AND t.state IN ('open', 'claimed') LIMIT 20",
    ),
];

fn deals(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let mut out = Vec::new();
    for (message, sql) in QUERIES {
        let rows = cx.conn().rows(sql, &[])?;
        if !rows.is_empty() {
            let rows = rows.iter().take(20).map(|row| format!("{row:?}")).collect();
            out.push(Breach { message: (*message).to_owned(), rows });
        }
    }
    Ok(out)
}
