//! Every ceiling on what an image may ask of us, each with its reason.
//!
//! Over a limit is an error that names it (exit status 2), never a truncated reading. Those that some
//! images have good reason to exceed, or some machines to lower, are the policy's to set: [`Limits`].

mod deadline;
mod turns;

pub use deadline::Deadline;
pub use turns::{Party, Turn, Turns};

/// The ceilings that a policy may set (`[limits]`); each is named there as here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`LAYER_BYTES`].
    pub layer_bytes: u64,
    /// See [`RATIO`].
    pub ratio: u64,
    /// See [`SPOOL_BYTES`].
    pub spool_bytes: u64,
    /// See [`CAPTURED_FILE_BYTES`].
    pub captured_file_bytes: u64,
    /// See [`RPM_DATABASE_BYTES`].
    pub rpm_database_bytes: u64,
    /// When all of it is to end. No policy sets it.
    pub deadline: Deadline,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            layer_bytes: LAYER_BYTES,
            ratio: RATIO,
            spool_bytes: SPOOL_BYTES,
            captured_file_bytes: CAPTURED_FILE_BYTES,
            rpm_database_bytes: RPM_DATABASE_BYTES,
            deadline: Deadline::default(),
        }
    }
}

impl Limits {
    /// Each with its name.
    pub fn by_name(mut self) -> [(&'static str, u64); 5] {
        self.by_name_mut().map(|(name, value)| (name, *value))
    }

    /// As [`Limits::by_name`], to be set.
    pub fn by_name_mut(&mut self) -> [(&'static str, &mut u64); 5] {
        let Self { layer_bytes, ratio, spool_bytes, captured_file_bytes, rpm_database_bytes, deadline: _ } =
            self;
        [
            ("layer_bytes", layer_bytes),
            ("ratio", ratio),
            ("spool_bytes", spool_bytes),
            ("captured_file_bytes", captured_file_bytes),
            ("rpm_database_bytes", rpm_database_bytes),
        ]
    }

    /// Bytes of all ordinary captured files of one layer: four of the largest.
    pub fn captured_layer_bytes(&self) -> u64 {
        self.captured_file_bytes.saturating_mul(4)
    }

    /// Bytes of all captured rpm databases of one layer: two of the largest, one made out of the other.
    pub fn rpm_databases_layer_bytes(&self) -> u64 {
        self.rpm_database_bytes.saturating_mul(2)
    }

    /// Bytes of all files captured while the layers of one input are read: the ceilings above hold for
    /// each layer, and layers are many. What finds no room is read again, alone, if the tree still has it;
    /// as much again may be read so for each image.
    pub fn captured_bytes(&self) -> u64 {
        let of_one_layer = self.captured_layer_bytes().saturating_add(self.rpm_databases_layer_bytes());
        CAPTURED_BYTES.max(of_one_layer)
    }
}

/// Bytes of a JSON document (manifest, index, config). The distribution spec asks registries to
/// take manifests of at least 4 MiB; real ones are a few KiB.
pub const JSON_BYTES: u64 = 4 << 20;

/// Values in one JSON document: bounds memory where 4 MiB of `[0,0,0…` would become hundreds.
pub const JSON_VALUES: usize = 400_000;

/// Bytes that the documents of one input take, as they are held: the text and the values of each way to read
/// them. A thousand manifests may name one config, of which each image then has its own.
pub const INPUT_JSON_BYTES: u64 = 512 << 20;

/// Bytes of an image's name. References that registries take have a few hundred; all images below an index
/// have its name, and all tags of a repository the repository's.
pub const IMAGE_NAME_BYTES: usize = 4_096;

/// Indexes inside indexes. Real ones stop at two.
pub const INDEX_DEPTH: usize = 8;

/// Manifests listed in one archive, all indexes together; images that `manifest.json` lists, or tags in
/// `repositories`.
pub const MANIFESTS: usize = 1_024;

/// Layers of one image. Docker stops at 127; squashed CI images have been seen with several hundred.
pub const LAYERS: usize = 4_096;

/// Members of an outer archive, or names in a layout's directory: two for each layer of each manifest, with
/// room to spare.
pub const ARCHIVE_MEMBERS: usize = 1_000_000;

/// Bytes of their names and of where links lead, all together: a quarter of a KiB for each.
pub const ARCHIVE_NAME_BYTES: u64 = 256 << 20;

/// Symlinks and hard links followed from one member of the outer archive to another.
pub const ARCHIVE_LINK_HOPS: usize = 16;

/// Entries of one layer, and names that the layers of one image make, all together. The largest public
/// images hold about one million.
pub const ENTRIES: usize = 10_000_000;

/// Bytes of a path or link target: PATH_MAX of Linux. It holds for where a path leads through symlinks,
/// too, so that no tree is deeper than 2,048 directories.
pub const PATH_BYTES: usize = 4_096;

/// Bytes of one entry's PAX records or GNU long name.
pub const PAX_BYTES: u64 = 1 << 20;

/// Names that the extended headers before one entry may give it: honest archives give one.
pub const ENTRY_NAMES: usize = 16;

/// Segments of one sparse file's map.
pub const SPARSE_SEGMENTS: usize = 100_000;

/// Anomalies told of one image: a hundred layers of nothing but anomalies say no more than one.
pub const IMAGE_ANOMALIES: usize = 200_000;

/// Bytes of the anomalies that are told of an image's tree, or of the archive around it, as they are held:
/// each may quote two of the longest paths. Of the tree's directories that layers write into without naming
/// them, as many.
pub const IMAGE_ANOMALY_BYTES: u64 = 128 << 20;

/// Bytes of all extended attributes of one layer, as entries hold them: a global header gives its own
/// to every entry.
pub const LAYER_XATTR_BYTES: u64 = 64 << 20;

/// Anomalies told of one layer; beyond this the layer is nothing but anomalies.
pub const LAYER_ANOMALIES: usize = 100_000;

/// Bytes of the anomalies told of one layer, as they are held: see [`IMAGE_ANOMALY_BYTES`].
pub const LAYER_ANOMALY_BYTES: u64 = 64 << 20;

/// Bytes that what is read of all layers of one input takes, as it is held, but for captured files. Ten
/// million entries with names of a hundred bytes take half of it. The limits of one layer do not bound it:
/// layers are many, and a megabyte of layer may unpack to names that take a gigabyte.
pub const INPUT_FACTS_BYTES: u64 = 4 << 30;

/// Uncompressed bytes of one layer: 1 TiB, above any disk a runner has.
pub const LAYER_BYTES: u64 = 1 << 40;

/// Uncompressed bytes for each stored byte. Deflate cannot exceed 1,032; zstd can go far beyond.
pub const RATIO: u64 = 2_000;

/// Uncompressed bytes from which on [`RATIO`] is held: small layers of zeros are harmless.
pub const RATIO_FREE_BYTES: u64 = 256 << 20;

/// Bytes of the unnamed spool file (standard input, or a compressed outer archive).
pub const SPOOL_BYTES: u64 = 1 << 40;

/// Bytes of a gzip member's header: its extra field ends at 64 KiB, and the file name and comment
/// that may follow are a line each.
pub const GZIP_HEADER_BYTES: usize = 128 << 10;

/// The zstd window: `windowLog` 27 (128 MiB) is what every zstd decoder must accept at `--long`.
pub const ZSTD_WINDOW_LOG: u32 = 27;

/// Memory that an xz decoder may take: what `xz -9` needs (65 MiB) with room for larger dictionaries.
pub const XZ_MEMORY_BYTES: u64 = 256 << 20;

/// Memory of an xz decoder, and window of a zstd frame, from which on only one of the layers that are read together goes
/// on at a time: so much for each thread, and one time the whole. What `xz` and `zstd -19` make by default needs 9 MiB.
pub const DECODER_AT_ONCE_BYTES: u64 = 16 << 20;

/// Bytes of a layer's table of contents (zstd:chunked, eStargz), stored and uncompressed. It is where
/// containers/storage stops, too (`maxTocSize`), and pulls the layer as a whole.
pub const TOC_BYTES: u64 = 150 << 20;

/// Ways in which descriptors point to a table of contents in one stored layer: each costs as much as hashing the
/// layer. Honest ones all say the same.
pub const LAYER_TOCS: usize = 16;

/// Differences between a table of contents and its layer that are told one by one; of more only the number.
pub const TOC_DIFFERENCES: usize = 100;

/// Symlinks followed while a path is resolved in the image: `MAXSYMLINKS` of Linux.
pub const SYMLINK_HOPS: usize = 40;

/// Bytes of one captured file. Real account files are a few KiB.
pub const CAPTURED_FILE_BYTES: u64 = 16 << 20;

/// Bytes of one captured rpm database, which keeps the headers of its packages whole, change logs and
/// all: a small image has 10 MB, a workstation with 2,500 packages 150 MB.
pub const RPM_DATABASE_BYTES: u64 = 256 << 20;

/// Bytes of all files captured while the layers of one input are read, unless the policy lets one layer
/// have more.
pub const CAPTURED_BYTES: u64 = 1 << 30;

/// How often layers are read again for files that only other files name, as sudoers do: each time what was
/// read may name more. Each time costs as much as unpacking the layers that hold them; real ones include
/// directly, or by way of one other.
pub const FURTHER_READS: usize = 4;

/// How often all layers of an input are read again at most, taken together, for such files and for digests that only packages have. An
/// image has up to six such reads of a layer; images that share layers share these.
pub const LAYER_READS: u64 = 16;

/// Bytes that were read again and are kept for other images of an input that have the same layers.
pub const SECOND_READ_KEPT_BYTES: usize = 64 << 20;

/// Entries of the layers of all images of an input, each layer counted as often as images list it: what is done with a tree takes time
/// for each. A thousand images of ten layers with five thousand entries come to as many.
pub const INPUT_LISTED_ENTRIES: u64 = 50_000_000;

/// Names that the includes of a tree's sudoers lead to: files, and all that lies in included directories,
/// each counted as often as it is named.
pub const INCLUDED_FILES: usize = 4_096;

/// Bytes of all files that sudo and doas read of one tree, and of all that only layers have: each is read as several versions
/// of sudo do. Real ones are a few KiB.
pub const SUDOERS_BYTES: usize = 16 << 20;

/// Names in the lines of one tree's sudoers that define aliases: each is kept with what it means. A large site has some
/// thousands.
pub const SUDOERS_NAMES: usize = 20_000;

/// Bytes of all files kept in one facts file: as many as a layer's captured files may have where no
/// policy says otherwise.
pub const FACTS_CONTENT_BYTES: u64 = 4 * CAPTURED_FILE_BYTES + 2 * RPM_DATABASE_BYTES;

/// Bytes of one facts file as stored: 10 million entries take about half of it.
pub const FACTS_FILE_BYTES: u64 = 1 << 30;

/// Bytes of one facts file uncompressed.
pub const FACTS_BYTES: u64 = 4 << 30;

/// Bytes of facts from facts files, roughly, that are kept in memory for the next image: a dozen bases,
/// or one with a large rpm database.
pub const FACTS_KEPT_BYTES: u64 = 256 << 20;

/// Bytes of all entries of a cache, where no `--cache-size` says otherwise: entries of some thousand layers.
pub const CACHE_BYTES: u64 = 2 << 30;

/// What `--cache-size` may be at least: an entry of a layer with 10,000 files.
pub const CACHE_LEAST_BYTES: u64 = 1 << 20;

/// What an entry of a cache is counted as at least, as disks do: so their number is bounded too.
pub const CACHE_BLOCK_BYTES: u64 = 4 << 10;

/// Which part of its size a run may write into a cache before it looks again what others wrote: by so much each
/// run that writes at the same time may exceed it.
pub const CACHE_UNSEEN_SHARE: u64 = 16;

/// Bytes of one entry of a cache: it is held in memory whole until its MAC is known to be right.
pub const CACHE_ENTRY_BYTES: u64 = 256 << 20;

/// How many times as large as its stored layer an entry may be, beyond 1 MiB: a file has 32 bytes in it at least, for its SHA-256, and
/// hardly less than four in the best compressed layer.
pub const CACHE_ENTRY_RATIO: u64 = 64;

/// Bytes of an entry from which on one is held at a time: as many as there are threads could be more than there is.
pub const CACHE_AT_ONCE_BYTES: u64 = 4 << 20;

/// Stored bytes of a layer from which on it is worth an entry: smaller ones are read in the time that it takes
/// to open an entry and hold it to its MAC, some 50 µs.
pub const CACHE_LAYER_BYTES: u64 = 4 << 10;

/// Milliseconds after its time limit that a run waits for what looks at the clock to end by itself; then it
/// is left alone, for it may wait for ever.
pub const TIMEOUT_GRACE_MS: u64 = 500;

/// Bytes of a hole in a sparse file that are hashed before the clock is looked at again: some tenths of a second.
pub const HOLE_PIECE_BYTES: u64 = 256 << 20;

/// Entries that are applied to a tree before the clock is looked at again.
pub const ENTRIES_AT_ONCE: usize = 1_024;

/// Characters that `OCICHECK_CACHE_KEY` must have at least: 128 bits, written in hexadecimal digits.
pub const CACHE_KEY_CHARACTERS: usize = 32;

/// Seconds after which an unfinished entry is one that its run will not finish: a day.
pub const CACHE_LEFTOVER_SECONDS: u64 = 24 * 60 * 60;

/// Bases of the catalog whose files are looked for in an image that stands on none: each takes some
/// hundredths of a second, and the nearest by layers and version come first.
pub const LIKENESS_BASES: usize = 64;

/// Files of bases that are looked for in the images of an input that stand on none, over all of them; one that is read first counts
/// as five: some ten seconds. Twenty images are held to sixty-four bases of ten thousand files each.
pub const INPUT_LIKENESS_FILES: u64 = 20_000_000;

/// Files of bases that are kept to be looked for in the next image: some hundred MiB.
pub const LIKENESS_KEPT_FILES: u64 = 1_000_000;

/// Bytes of the catalog and other files written by the user.
pub const USER_FILE_BYTES: u64 = 64 << 20;

/// Bytes of a policy. One that names every path of a large base is a few hundred KiB.
pub const POLICY_BYTES: u64 = 4 << 20;

/// Bytes of one VEX document. Those of a distribution's vendor have some hundred KiB.
pub const VEX_BYTES: u64 = 8 << 20;

/// VEX documents that policy and command line name.
pub const VEX_DOCUMENTS: usize = 256;

/// Statements, names of vulnerabilities, products and subcomponents of all VEX documents.
pub const VEX_ITEMS: usize = 500_000;

/// VEX statements that are told of one finding: each may tell some texts.
pub const FINDING_STATEMENTS: usize = 50;

/// Characters of one text of a VEX statement that a finding tells.
pub const STATEMENT_CHARACTERS: usize = 1_000;

/// Bytes of one pattern of a policy: those of the longest path.
pub const PATTERN_BYTES: usize = PATH_BYTES;

/// Bytes of what git tells the hook of a push: a line of some 200 bytes for each branch or tag.
pub const HOOK_INPUT_BYTES: u64 = 16 << 20;

/// Branches and tags of a push whose changed files git is asked for. Each takes some processes; who pushes more has one more
/// reason to look at the images.
pub const HOOK_REFS: usize = 50;

/// Bytes of an answer of git's: all files that a push changes, with a hundred bytes for each beside its name. 100,000 files
/// fit.
pub const HOOK_GIT_BYTES: u64 = 16 << 20;

/// Symlinks of a commit that one pattern of `when` is followed through, with the questions to git beyond the first: half as
/// many symlinks one behind the other. Linux follows 40.
pub const HOOK_LINKS: usize = 80;

/// Names in directories that are walked for one pattern of `[hook]`. A pattern that begins with its directory needs few.
pub const HOOK_FILES: u64 = 1_000_000;

/// Mistakes of a policy that are told; who reads a hundred mends the first and asks again.
pub const POLICY_MISTAKES: usize = 100;

/// Names visited while symlinks are followed and whiteouts look for what a layer added itself. Real
/// images stay far below one visit for each name and layer; only a layer made to be slow comes near.
pub const LAYER_VISITS: u64 = 60_000_000;

/// Accounts of one file, and lines in which a rule looks for faults; each costs many times the two bytes that its line may take.
pub const ACCOUNT_LINES: u64 = 1_000_000;

/// Packages of one rpm database. All of Fedora has 70,000.
pub const PACKAGES: usize = 200_000;

/// Bytes of a name, version or other short text of an rpm package: each may point at the same bytes.
pub const PACKAGE_TEXT_BYTES: usize = 64 << 10;

/// Files of all packages of one database. A whole TeX Live brings about 200,000.
pub const PACKAGE_FILES: usize = 2_000_000;

/// Bytes of all paths of one package database: one long directory, named by many files, would grow
/// without it.
pub const PACKAGE_PATH_BYTES: usize = 256 << 20;

/// Files of packages that are compared with what their packages say, over all readings of an image: each is kept with its
/// path until the digests are computed. A whole TeX Live brings about 200,000.
pub const VERIFIED_FILES: usize = 2_000_000;

/// Bytes of the paths of these files, and of the targets of symlinks among them. A list names a short path, and a symlink in
/// it may lead to a long one.
pub const VERIFIED_PATH_BYTES: usize = 256 << 20;

/// Bytes of directories of packaged files that are remembered with where symlinks lead from them. A whole TeX Live takes some
/// megabytes.
pub const LOCATED_BYTES: usize = 64 << 20;

/// Parts of paths that are followed to find where packaged files lie. Lists name each directory once for all of its files, and it is a
/// few parts deep; hostile ones lead through forty symlinks of two thousand parts each.
pub const LOCATED_STEPS: u64 = 60_000_000;

/// Faults of one rule told one by one of the lines of an image's configuration files; no honest file
/// has a thousand accounts without a password, and no honest image changes a thousand of its base.
pub const LINE_FINDINGS: usize = 1_000;

/// Names that are asked again for services under the names that symlinks of directories give them. Real
/// ones lead to one directory of a million files at most; nested ones would have each file asked many times.
pub const LINKED_VISITS: u64 = 10_000_000;

/// Parts of paths that are followed for the files of sudo and doas, for those of `/etc/tcb`, for the files of packages, for `PATH`
/// and `WORKDIR`, for what is read a second time, and to what findings are about (where a waiver by fingerprint is for all layers as
/// they are beyond it). Honest files are some thousands, a few parts deep.
pub const FOLLOWED_STEPS: u64 = 10_000_000;

/// Paths kept of one finding about several places, to be held to what the policy accepts; of more, no path
/// of a policy covers it. Agents with all their plugins are some thousand files.
pub const FINDING_PATHS: usize = 10_000;

/// Findings of all images of an input: what changes the owner of every file of a large base stays below it. Each
/// takes a kilobyte or two of a report.
pub const INPUT_FINDINGS: usize = 200_000;

/// Bytes of the findings of all images of an input, as the JSON report has them without its indentation; while they are
/// looked for, as they are held. [`INPUT_FINDINGS`] of everyday paths take half of it. A path may be quoted with four
/// bytes for each of its own, and an archive of some KiB has tens of thousands of such.
pub const INPUT_FINDING_BYTES: u64 = 512 << 20;

/// Bytes of names, versions and places of the packages that advisories are about, as often as they are about them. The
/// packages of one source may be many, and so may its advisories: a kernel's are some thousand, about ten packages.
pub const IMAGE_VULNERABILITY_BYTES: u64 = 128 << 20;

/// Entries of advisories, and their ranges and versions, that versions of an image's packages are compared with: some ten
/// seconds of one processor. Each 64 bytes of a version count, for a long one takes longer to compare. The packages of a
/// large image come to some hundred thousand.
pub const ADVISORY_COMPARISONS: u64 = 50_000_000;

/// Characters of a build step that each finding tells; the image's layers tell all of it.
pub const FINDING_STEP_CHARACTERS: usize = 512;

/// Secrets told of one image's settings or history: more say no more than that they are full of them.
pub const CONFIG_SECRETS: usize = 1_000;

/// Bytes behind a clue that are looked at to tell whether it is a secret: the longest are private keys,
/// and one of RSA with 16,384 bits takes 13 KB as PEM.
pub const SECRET_AHEAD_BYTES: usize = 16 << 10;

/// Bytes before a clue that are looked at: the field before a key in a JSON document, or a label.
pub const SECRET_BEHIND_BYTES: usize = 256;

/// Bytes of a file that are searched for clues at once: large enough that what is searched twice for
/// [`SECRET_AHEAD_BYTES`] does not count, and small enough for a processor's cache.
pub const SECRET_CHUNK_BYTES: usize = 256 << 10;

/// Bytes of a file that is known by its name to hold secrets (`.npmrc`, a kubeconfig). Real ones are a
/// few KiB; they are held in memory one at a time.
pub const SECRET_FORM_BYTES: u64 = 1 << 20;

/// Bytes of a configuration file in which assignments are guessed at. Larger ones are data.
pub const SECRET_CONFIG_BYTES: u64 = 256 << 10;

/// Bytes of one value that is taken for a secret by its name; longer ones are data.
pub const SECRET_VALUE_BYTES: usize = 4_096;

/// Secrets told of one file; a file of more says no more than that it is full of them.
pub const FILE_SECRETS: usize = 100;

/// Secrets told of one layer.
pub const LAYER_SECRETS: usize = 10_000;

/// Places of one layer of which it is told that they were not looked at for secrets: one is enough for
/// the rule not to be evaluated.
pub const LAYER_SECRET_GAPS: usize = 100;

/// Bytes at the end of a zip archive that are kept while it streams by, to read its central directory. A
/// member takes 46 bytes there and its name: the jar of a whole cloud's client, 300,000 classes, has 40 MiB.
pub const ARCHIVE_TAIL_BYTES: u64 = 64 << 20;

/// The same of a file that neither begins as an archive nor is named so: room for a comment (64 KiB) and
/// the directory of some 2,000 members behind it. It is copied of every file, so it should fit a cache.
pub const PLAIN_TAIL_BYTES: u64 = 256 << 10;

/// Records that may be the end of one archive, where what would tell is not kept. Honest ones have one.
pub const ARCHIVE_ENDS: usize = 8;

/// Bytes of the names of all members of a layer's archives: a million classes.
pub const LAYER_MEMBER_NAME_BYTES: usize = 64 << 20;

/// Bytes of a program or an archive that are kept while it streams by, to look for components in it: all of
/// nearly every one. Of a larger one the first 192 MiB and the last 64 MiB are kept.
pub const COMPONENT_FILE_BYTES: u64 = 256 << 20;

/// Bytes kept of such a file, and unpacked of it, from which on only one of the layers that are read together
/// goes on at a time: so much for each thread, and one time the whole.
pub const COMPONENT_AT_ONCE_BYTES: u64 = 64 << 20;

/// Bytes of a text that says what a component is: `METADATA` (of which only the head counts), `package.json`,
/// `pom.properties`, a manifest, what Go and cargo-auditable put into programs. Real ones have some KiB, and some
/// hundred where they list all modules of a program.
pub const COMPONENT_TEXT_BYTES: u64 = 8 << 20;

/// Archives within archives that are looked into for components: an ear has wars, and they have jars.
pub const COMPONENT_DEPTH: usize = 4;

/// Bytes that are unpacked of one archive or program to look for components: archives in it, and texts. What is small, and
/// each component, counts as 4 KiB. A large application brings 300 MiB of jars.
pub const COMPONENT_UNPACKED_BYTES: u64 = 1 << 30;

/// Bytes that are unpacked of all archives and programs of a layer to look for components: a dozen large applications,
/// or some ten seconds.
pub const LAYER_COMPONENT_UNPACKED_BYTES: u64 = 4 << 30;

/// The same of all layers of an input: sixteen of the largest applications, or some minutes.
pub const INPUT_COMPONENT_UNPACKED_BYTES: u64 = 32 << 30;

/// Bytes of the components of a layer, as they are held. Half a million take as much; the largest known layers
/// have ten thousand.
pub const LAYER_COMPONENT_BYTES: usize = 64 << 20;

/// Names of an image under which files are looked at for components that came under other names: those of a large
/// store of pnpm are some ten thousand.
pub const COMPONENT_LINKS: usize = 200_000;

/// Files of dpkg's journal (`/var/lib/dpkg/updates`) in one tree: it has 250 when dpkg puts it into `status`, and none after that.
pub const DPKG_UPDATES: usize = 256;

/// Files in dpkg's `status.d`, counted anew after each layer of an image. Images of many small packages have some hundred, and
/// some ten layers.
pub const HISTORY_FILES: usize = 1_000_000;

/// Parts of paths that are followed for such names. Each takes a few; hostile ones lead through forty symlinks of
/// a thousand parts each.
pub const COMPONENT_LINK_STEPS: u64 = 60_000_000;

/// Bytes of a feed that is one document, unpacked: the Debian security tracker, the largest of them, stays far
/// below.
pub const FEED_FILE_BYTES: u64 = 1 << 30;

/// Bytes of one document of a feed that has many. VEX documents that name thousands of products have some MiB.
pub const FEED_DOCUMENT_BYTES: u64 = 128 << 20;

/// Bytes of all documents of an archive, unpacked: room for 100,000 of some MiB.
pub const FEED_UNPACKED_BYTES: u64 = 256 << 30;

/// Documents of a feed. Whole exports have some hundred thousand.
pub const FEED_DOCUMENTS: usize = 5_000_000;

/// Elements of one list in a document of a feed. VEX documents name some thousand products.
pub const FEED_LIST_ITEMS: usize = 1_000_000;

/// Bytes of a text that an advisory may have: half a page of the database. Names, versions and addresses have
/// some hundred.
pub const ADVISORY_TEXT_BYTES: usize = 2 << 10;

/// Versions, ranges or names that an advisory may list at once: their number has 16 bits. Kernels have some
/// thousand versions.
pub const ADVISORY_LIST_ITEMS: usize = 65_535;

/// Characters of an advisory's summary that are kept.
pub const ADVISORY_SUMMARY_CHARACTERS: usize = 200;

/// References of an advisory that are kept: the first lead to all others.
pub const ADVISORY_REFERENCES: usize = 8;

/// Bytes of a database's header, which is read whole when it is opened. A source takes 300, a release of a
/// distribution 80.
pub const ADVISORY_HEADER_BYTES: u64 = 16 << 20;

/// Bytes of a database of advisories: its references have 32 bits. 10,000 advisories take 7 MB.
pub const ADVISORY_DATABASE_BYTES: u64 = 4 << 30;

#[cfg(test)]
mod tests;
