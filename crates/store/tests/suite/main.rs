//! What every driver of the store has to do. A driver plugs in with one block of `exercise!` below.

mod groups;
mod kit;
mod processes;
mod schemas;
mod searches;
mod servers;
mod values;

/// Makes one test of each named function for a driver, with a database of its own.
macro_rules! exercise {
    ($driver:ident: $($module:ident::{$($test:ident),+ $(,)?}),+ $(,)?) => {
        mod $driver {
            $(mod $module {
                $(#[test]
                fn $test() {
                    let kit = crate::kit::Kit::$driver();
                    if let Err(error) = crate::$module::$test(&kit) {
                        panic!("{error}: {error:?}");
                    }
                })+
            })+
        }
    };
}

/// What every driver has to do: as many tests for each.
macro_rules! conformance {
    ($($driver:ident),+) => { $(exercise!($driver:
        values::{
            round_trips, rows_stop_early, parameters_are_counted, savepoints_nest,
            after_a_failure_only_a_savepoint_helps, readers_cannot_write, snapshots_stand_still,
            constraints_tell_what_broke, long_reads_end, work_is_counted,
        },
        groups::{
            all_writes_are_there, refusals_leave_no_trace, panics_stay_with_their_caller,
            a_lost_transaction_is_run_again, nesting_never_hangs, transactions_belong_to_the_store, savepoints_left_open,
            a_store_ends, readers_are_shared, a_failed_write_cannot_go_on, impatient_callers, everything_at_once,
        },
        processes::{two_writers_take_turns, versions_tell_of_others},
        searches::{words_are_found, hostile_words, entries_change, a_check_sees_the_index_as_it_stands},
        schemas::{
            tables_are_made, nothing_to_do_is_fast, safe_changes, unsafe_changes, newer_is_refused, append_only,
            immutable_rows, partial_uniqueness, views_follow, hostile_names, strict_columns, search_of_old_rows,
            tables_may_refer_to_later_ones, starts_at_once_migrate_once, damage_is_told,
        },
    );)+ };
}

conformance!(sqlite, postgres);

/// What only a file can do or suffer.
mod sqlite_only {
    exercise!(sqlite:
        values::{addresses},
        groups::{a_failed_commit_is_run_again, a_full_disk_hits_one, a_closed_store_leaves_one_file},
        processes::{busy_is_told, backups, a_backup_spares_the_database, the_log_is_folded},
        schemas::{append_only_without_replace},
    );
}

/// What only a server can do or suffer.
mod postgres_only {
    exercise!(postgres:
        servers::{
            addresses, a_locked_row_is_busy, writers_work_beside_each_other, deadlocks_are_run_again,
            a_repeat_is_bounded, lost_updates_are_impossible, broken_connections_are_replaced,
            statements_follow_changed_tables, locks_without_rows, order_is_that_of_bytes,
            a_change_of_tables_makes_nobody_wait_long, connections_are_encrypted,
        },
    );
}
