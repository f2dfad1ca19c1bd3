//! Ready images and layers.

use super::compress::Compression;
use super::entry::Entry;
use super::image::Image;
use super::layer::Layer;

/// `/etc/passwd` of [`small_base`].
pub const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";

/// The user of [`clean_app`].
pub const CLEAN_USER: u32 = 10001;

/// The machine number of x86-64 in an ELF header.
const X86_64: u16 = 62;

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\n\
    VERSION_ID=\"13\"\nVERSION=\"13 (trixie)\"\nVERSION_CODENAME=trixie\nID=debian\n";

/// The smallest believable base, for linux/amd64, named `registry.example.com/base/debian:13`: accounts, os-release, a
/// merged `/usr`, three programs (`su` is setuid), in two layers. It sets PATH and no user.
pub fn small_base() -> Image {
    let root = Layer::new()
        .symlink("bin", "usr/bin")
        .dir("etc/", 0o755)
        .file("etc/group", "root:x:0:\ndaemon:x:1:\nshadow:x:42:\nnogroup:x:65534:\n")
        .file("etc/os-release", OS_RELEASE)
        .file("etc/passwd", PASSWD)
        .entry(
            Entry::file(
                "etc/shadow",
                "root:*:19700:0:99999:7:::\ndaemon:*:19700:0:99999:7:::\nnobody:*:19700:0:99999:7:::\n",
            )
            .mode(0o640)
            .owner(0, 42),
        )
        .dir("root/", 0o700)
        .dir("tmp/", 0o1777)
        .dir("usr/", 0o755)
        .dir("usr/bin/", 0o755)
        .file_mode("usr/bin/ls", elf(X86_64, "ls"), 0o755)
        .file_mode("usr/bin/sh", elf(X86_64, "sh"), 0o755)
        .file_mode("usr/bin/su", elf(X86_64, "su"), 0o4755);
    let certificates = Layer::new()
        .dir("etc/", 0o755)
        .dir("etc/ssl/", 0o755)
        .dir("etc/ssl/certs/", 0o755)
        .file("etc/ssl/certs/ca-certificates.crt", "# no authority is trusted here\n");
    Image::new()
        .name("registry.example.com/base/debian:13")
        .env("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .cmd(&["sh"])
        .layer_with(root, "# debian.sh --arch 'amd64' out/ 'trixie'", Compression::Gzip(6))
        .layer_with(certificates, "RUN /bin/sh -c update-ca-certificates # buildkit", Compression::Gzip(6))
        .empty_history("CMD [\"sh\"]")
}

/// A well-behaved application on `base` (which should be [`small_base`] or a child of it, since it writes `/etc/passwd`
/// anew): an account of its own, one program, `USER 10001`, a health check. Named `registry.example.com/team/app:1.0`.
pub fn clean_app(base: &Image) -> Image {
    let account = format!("app:x:{CLEAN_USER}:{CLEAN_USER}:app:/app:/usr/sbin/nologin\n");
    let accounts = Layer::new().dir("etc/", 0o755).file("etc/passwd", format!("{PASSWD}{account}"));
    let program = Layer::new().dir("app/", 0o755).file_mode("app/run", "#!/bin/sh\nexec ls\n", 0o755);
    base.clone()
        .unnamed()
        .name("registry.example.com/team/app:1.0")
        .layer_with(accounts, "RUN /bin/sh -c useradd app # buildkit", Compression::Gzip(6))
        .layer_with(program, "COPY run /app/run # buildkit", Compression::Gzip(6))
        .user(&CLEAN_USER.to_string())
        .empty_history("USER 10001")
        .entrypoint(&["/app/run"])
        .empty_history("ENTRYPOINT [\"/app/run\"]")
        .health_check(&["/app/run", "--health"])
        .empty_history(
            "HEALTHCHECK &{[\"CMD\" \"/app/run\" \"--health\"] \"0s\" \"0s\" \"0s\" \"0s\" '\\x00'}",
        )
}

/// A little-endian 64-bit ELF executable header for `machine` (62 x86-64, 183 AArch64) with `payload` behind it. It
/// says enough for anyone who only looks, and would not run.
pub fn elf(machine: u16, payload: &str) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(2_u16.to_le_bytes()); // e_type: executable
    bytes.extend(machine.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes()); // e_version
    bytes.extend([0; 28]); // e_entry, e_phoff, e_shoff, e_flags
    bytes.extend(64_u16.to_le_bytes()); // e_ehsize
    bytes.extend([0; 10]); // no program or section headers
    bytes.extend(payload.as_bytes());
    bytes
}

/// A layer of `files` files of about `avg_size` bytes (from half to one and a half) in directories of 64, the same for
/// the same `seed`. Half of the bytes repeat, so that codecs have about as much to do as with real files.
pub fn random_tree(seed: u64, files: usize, avg_size: usize) -> Layer {
    let mut random = XorShift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut layer = Layer::new().dir("srv/", 0o755);
    for i in 0..files {
        let dir = format!("srv/{:04}/", i / 64);
        if i % 64 == 0 {
            layer = layer.dir(&dir, 0o755);
        }
        let spread = usize::try_from(random.next() % (avg_size as u64 + 1)).unwrap();
        let bytes = random.bytes(avg_size / 2 + spread);
        layer = layer.file(format!("{dir}{i:06}.dat"), bytes);
    }
    layer
}

/// Marsaglia's xorshift64: fast, seeded, and no dependency.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Eight random bytes, then eight that are always the same, and so on.
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 16);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
            bytes.extend(b"ocicheck");
        }
        bytes.truncate(length);
        bytes
    }
}
