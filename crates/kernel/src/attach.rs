//! Files that are brought from outside, and the web sites that may call what is public.

use serde_json::json;

use crate::{
    access::Right,
    ask::{Answer, Ask},
    engine::{CREATE, Kernel},
    error::{Error, Result},
    guests::Origins,
    value::AnyRef,
};

impl Kernel {
    /// From which web sites a public operation may be called, as the first company has set it.
    ///
    /// # Errors
    /// As reading does.
    pub fn origins(&self, operation: &str) -> Result<Origins> {
        let schema = self.schema();
        match schema.modules.iter().flat_map(|m| m.guests).find(|g| g.operation == operation) {
            Some(guests) => self.read(&self.system()?, guests.origins),
            None => Ok(Origins::Own),
        }
    }

    /// Keeps a file, and hangs it on a record where one is named.
    ///
    /// # Errors
    /// Size, rights on the record.
    pub fn attach(&self, name: &str, content: &[u8], record: Option<(&str, i64)>, ask: &Ask) -> Result<Answer> {
        let media_type = crate::files::sniff(content, name);
        let hash = self.shared().files.put(content)?;
        let clean: String =
            name.rsplit(['/', '\\']).next().unwrap_or("file").chars().filter(|c| !c.is_control()).take(200).collect();
        let clean = if clean.is_empty() { "file".to_owned() } else { clean };
        let body = json!({"name": clean, "hash": hash});
        self.transact(ask, "files", &body, &CREATE, 0, |cx| {
            let size = content.len() as i64;
            let (by, at) = ((cx.who.user != 0).then_some(cx.who.user), cx.now);
            let file = crate::sys::File {
                name: clean.clone(),
                media_type: media_type.to_owned(),
                size,
                hash: hash.clone(),
                by,
                at,
            };
            let id = cx.insert(file)?;
            if let Some((entity, record)) = record {
                cx.require(entity, Right::Read)?;
                let plan = cx.schema.plan(entity)?.clone();
                cx.row_of(&plan, record)?;
                if !cx.within(&plan, record, Right::Read)? {
                    return Err(Error::not_found(entity, record));
                }
                // What hangs on a record belongs to it: whoever may change it may add to it, also where its state has
                // frozen its fields.
                cx.require(entity, Right::Write)?;
                if !cx.within(&plan, record, Right::Write)? {
                    return Err(Error::forbidden(entity));
                }
                let record = AnyRef::new(plan.def.name, record);
                cx.insert(crate::sys::Attachment { file: crate::field::FileId(id.raw()), record })?;
            }
            Ok((json!({"id": id.raw(), "name": clean, "media_type": media_type, "size": size}), 201))
        })
    }
}
