//! Reading a part of a file.

use std::fs::File;
use std::io;

/// Fill `bytes` from `offset` on, as far as the file goes; the position of the file stays free
/// for other threads.
///
/// # Errors
/// What reading gives.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        #[cfg(unix)]
        let got =
            std::os::unix::fs::FileExt::read_at(file, &mut bytes[done..], offset + done as u64);
        #[cfg(windows)]
        let got = std::os::windows::fs::FileExt::seek_read(
            file,
            &mut bytes[done..],
            offset + done as u64,
        );
        match got {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
