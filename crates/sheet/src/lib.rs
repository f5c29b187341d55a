//! Tables of people: CSV and XLSX, read and written by rows under limits.
