//! Sees to it that there is a client to embed: a placeholder stands in where the real one was not built.

use std::{fs, path::Path, time::SystemTime};

fn main() -> std::io::Result<()> {
    let folder = Path::new("../../web/dist");
    println!("cargo:rerun-if-changed={}", folder.display());
    let index = folder.join("index.html");
    if !index.exists() {
        fs::create_dir_all(folder)?;
        fs::write(
            &index,
            "<!doctype html><meta charset=\"utf-8\"><title>Celek</title><p>The client was not built. Run <code>make build</code>. \
             The interface is described at <a href=\"/api/docs\">/api/docs</a>.\n",
        )?;
        // Older than every source of the client, so that make builds the real one.
        fs::File::options().write(true).open(&index)?.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    Ok(())
}
