//! What every driver of the store has to do. A driver plugs in with one block of `exercise!` below.

mod groups;
mod kit;
mod processes;
mod schemas;
mod searches;
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

exercise!(sqlite:
    values::{
        round_trips, rows_stop_early, parameters_are_counted, savepoints_nest, a_failed_statement_is_undone_alone,
        readers_cannot_write, snapshots_stand_still, constraints_tell_what_broke, addresses, long_reads_end, work_is_counted,
    },
    groups::{
        all_writes_are_there, refusals_leave_no_trace, panics_stay_with_their_caller, a_lost_transaction_is_run_again,
        a_failed_commit_is_run_again, a_full_disk_hits_one, nesting_never_hangs, transactions_belong_to_the_store, savepoints_left_open,
        a_store_ends, readers_are_shared, a_failed_write_cannot_go_on, impatient_callers, everything_at_once,
    },
    processes::{two_writers_take_turns, versions_tell_of_others, busy_is_told, backups, a_backup_spares_the_database, the_log_is_folded},
    searches::{words_are_found, hostile_words, entries_change},
    schemas::{
        tables_are_made, nothing_to_do_is_fast, safe_changes, unsafe_changes, newer_is_refused, append_only,
        immutable_rows, partial_uniqueness, views_follow, hostile_names, strict_columns, search_of_old_rows,
    },
);
