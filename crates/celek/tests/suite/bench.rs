//! Measurements run on both databases and tell what they promise. How fast it is, no test says.

use std::process::Command;

use serde_json::Value as J;

use crate::house::{CELEK, folder};

/// Measures on an empty database: in a file, or on the server where tests are asked to run there.
#[track_caller]
fn bench(args: &[&str]) -> J {
    let (folder, server) = (folder("bench"), cluster::is_asked_for().then(cluster::Database::empty));
    let db =
        server.as_ref().map_or_else(|| format!("sqlite:{}", folder.join("b.db").display()), cluster::Database::url);
    let output = Command::new(CELEK)
        .arg("bench")
        .args(args)
        .args(["--json", "--db", &db])
        .current_dir(&folder)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let _ = std::fs::remove_dir_all(folder);
    serde_json::from_str(&told).unwrap()
}

#[track_caller]
fn above_zero(told: &J, path: &str) {
    assert!(told.pointer(path).and_then(J::as_f64).is_some_and(|n| n > 0.0), "{path}: {told}");
}

fn durable(told: &J) {
    let durability = told["durability"].as_str().unwrap_or_default();
    let promised =
        if cluster::is_asked_for() { "fsync=on, synchronous_commit=on" } else { "every commit flushed to the disk" };
    assert!(durability.contains(promised), "{durability}");
}

#[test]
fn orders_are_measured_with_what_they_cost() {
    let args = ["order-to-cash", "--callers", "2", "--seconds", "2", "--warm-up", "1", "--customers", "3"];
    let told = bench(&[&args[..], &["--products", "5"]].concat());
    durable(&told);
    for path in [
        "/calibration/durable_commits_per_second",
        "/calibration/raw_inserts_per_second",
        "/calibration/round_trips_per_second",
        "/orders",
        "/orders_per_second",
        "/steps/ship/p50_ms",
        "/steps/pay/p99_ms",
        "/per_order/statements",
        "/per_order/log_bytes",
        "/per_order/fsyncs",
    ] {
        above_zero(&told, path);
    }
    assert_eq!(told["check"], "clean");
}

#[test]
fn the_store_and_the_kernel_are_measured_beside_the_bare_database() {
    for (what, statements) in [("store", 1.0), ("kernel", 4.0)] {
        let told = bench(&[what, "--seconds", "1"]);
        durable(&told);
        let runs = told["runs"].as_array().unwrap();
        let callers: Vec<_> = runs.iter().filter_map(|run| run["callers"].as_u64()).collect();
        assert_eq!(callers, [1, 16, 64, 256]);
        for run in runs {
            for path in ["/operations", "/per_second", "/raw_per_second", "/ratio", "/each/log_bytes", "/each/fsyncs"] {
                above_zero(run, path);
            }
            assert!(run["each"]["statements"].as_f64().is_some_and(|n| n >= statements), "{run}");
        }
    }
}
