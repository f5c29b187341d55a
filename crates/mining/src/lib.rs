//! Process mining: event logs in, variants, maps and findings out.
