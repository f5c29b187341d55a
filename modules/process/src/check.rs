//! Proves that no process hangs without a reason (DESIGN section 5: 8).

use kernel::{Breach, Check, Cx, Result};

pub(crate) const CHECKS: &[Check] = &[Check { name: "process.tokens", invariant: 8, run: tokens }];

fn tokens(cx: &mut Cx<'_>, _full: bool) -> Result<Vec<Breach>> {
    let queries = [
        (
            "running instances without a token",
            "SELECT i.id FROM process_instance i WHERE i.state = 'running' AND NOT EXISTS (SELECT 1 FROM process_token t WHERE t.instance = i.id) LIMIT 20",
        ),
        (
            "rows of instances that have ended",
            "SELECT t.instance, t.element FROM process_token t LEFT JOIN process_instance i ON i.id = t.instance WHERE i.id IS NULL OR i.state <> 'running' LIMIT 20",
        ),
        (
            "tokens that wait for a task which is not there, or is there twice",
            "SELECT t.instance, t.local, t.element FROM process_token t WHERE t.waits = 'task' AND (SELECT COUNT(*) FROM process_task k \
             WHERE k.instance = t.instance AND k.token = t.local AND k.state IN ('open', 'claimed')) <> 1 LIMIT 20",
        ),
        (
            "tasks that no token waits for",
            "SELECT k.id, k.title FROM process_task k WHERE k.instance IS NOT NULL AND k.state IN ('open', 'claimed') AND NOT EXISTS \
             (SELECT 1 FROM process_token t WHERE t.instance = k.instance AND t.local = k.token AND t.waits = 'task') LIMIT 20",
        ),
        (
            "tokens that wait for an event of which nobody would tell them",
            "SELECT t.instance, t.local, t.element FROM process_token t WHERE t.waits = 'event' AND NOT EXISTS (SELECT 1 FROM process_subscription s \
             WHERE s.instance = t.instance AND s.token = t.local) AND NOT EXISTS (SELECT 1 FROM process_timer m WHERE m.instance = t.instance AND m.token = t.local) LIMIT 20",
        ),
        (
            "waits of tokens that are gone",
            "SELECT w.instance, w.token FROM (SELECT instance, token FROM process_subscription UNION ALL SELECT instance, token FROM process_timer) w \
             WHERE NOT EXISTS (SELECT 1 FROM process_token t WHERE t.instance = w.instance AND t.local = w.token) LIMIT 20",
        ),
        (
            "tokens that are parked without an incident",
            "SELECT t.instance, t.local, t.element FROM process_token t WHERE t.waits = 'incident' AND NOT EXISTS (SELECT 1 FROM process_incident i \
             WHERE i.instance = t.instance AND i.token = t.local AND i.solved IS NULL) LIMIT 20",
        ),
        (
            "tokens that wait for nothing, with no job that goes on",
            "SELECT t.instance, t.local, t.element FROM process_token t WHERE (t.waits IS NULL OR t.waits = 'operation') AND NOT EXISTS \
             (SELECT 1 FROM sys_job j WHERE j.name = 'process.continue' AND j.state = 'queued' AND j.key = CAST(t.instance AS TEXT)) LIMIT 20",
        ),
    ];
    let mut out = Vec::new();
    for (message, sql) in queries {
        let rows = cx.conn().rows(sql, &[])?;
        if !rows.is_empty() {
            out.push(Breach { message: message.to_owned(), rows: rows.iter().map(|r| format!("{r:?}")).collect() });
        }
    }
    Ok(out)
}
