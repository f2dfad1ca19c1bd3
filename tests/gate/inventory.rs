//! What is installed in an image, and which layer brought it: `inspect --packages` and `sbom`.

use serde_json::Value;

use crate::harness::{Room, assert_valid, run, text};
use crate::support::{
    Image, Layer, Manager, RpmPackage, clean_app, newer_sed, other, rpm_database, sed, small_base, upgrade,
};

/// What an inspection says of what is installed, held to its schema, and the exit status.
fn inventory_on(image: &Image, base: Option<&Image>) -> (i32, Value) {
    let room = Room::new();
    let path = room.write("image.tar", image.oci_archive());
    let catalog = base.map(|base| room.catalog(&[base]));
    let mut arguments = vec!["inspect", path.to_str().unwrap(), "--packages", "--format", "json"];
    arguments.extend(catalog.iter().flat_map(|catalog| ["--bases", catalog.to_str().unwrap()]));
    let output = run(&arguments);
    let inspection: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid("inspect.schema.json", &inspection);
    (output.status.code().unwrap(), inspection["images"][0]["inventory"].clone())
}

fn inventory(image: &Image) -> Value {
    let (exit, inventory) = inventory_on(image, None);
    assert_eq!(exit, 0, "{inventory:#}");
    inventory
}

/// Name, version and layer of each package.
fn told(inventory: &Value) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = inventory["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            (text(&package["name"]), text(&package["version"]), package["layer"].as_u64().unwrap())
        })
        .collect()
}

fn tuples(list: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    list.iter().map(|(name, version, layer)| ((*name).to_owned(), (*version).to_owned(), *layer)).collect()
}

fn os_release(layer: Layer, id: &str, version: &str) -> Layer {
    layer.file(
        "etc/os-release",
        format!("ID={id}\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"{id} {version}\"\n"),
    )
}

#[test]
fn a_package_belongs_to_the_layer_that_brought_its_version() {
    for manager in Manager::ALL {
        let base = manager.base(&[&sed(), &other()]).layer(os_release(Layer::new(), "debian", "12"));
        let image = base.clone().layer(upgrade(manager));
        let (exit, inventory) = inventory_on(&image, Some(&base));
        assert_eq!(exit, 0, "{manager:?}: {inventory:#}");
        assert_eq!(told(&inventory), tuples(&[("other", "1.0-r0", 0), ("sed", "4.9-r0", 2)]), "{manager:?}");
        let packages = inventory["packages"].as_array().unwrap();
        assert_eq!((&packages[0]["origin"], &packages[1]["origin"]), (&"base".into(), &"upper".into()));
        let purl = packages[1]["purl"].as_str().unwrap();
        let kind = match manager {
            Manager::Dpkg => "pkg:deb/debian/sed@4.9-r0?arch=amd64&distro=debian-12",
            Manager::Apk => "pkg:apk/debian/sed@4.9-r0?arch=x86_64&distro=debian-12",
            Manager::Rpm => "pkg:rpm/debian/sed@4.9-r0?arch=x86_64&distro=debian-12",
        };
        assert!(purl.starts_with(kind), "{purl}");
        let files = packages[1]["files"].as_array().unwrap();
        let program = files.iter().find(|file| file["path"] == "/bin/sed" || file["path"] == "/usr/bin/sed");
        assert!(program.unwrap()["digest"].is_string(), "{files:?}");
        assert_eq!(inventory["distribution"]["name"], "debian 12");
    }
}

#[test]
fn what_was_removed_and_installed_again_is_new() {
    for manager in Manager::ALL {
        let with = |packages: &[&crate::support::Package]| manager.database(Layer::new(), packages, packages);
        let image = manager
            .base(&[&sed(), &other()])
            .layer(with(&[&other()]))
            .layer(with(&[&sed(), &other()]))
            .layer(with(&[&sed(), &other()]))
            .layer(Layer::new().file("etc/motd", "nothing to do with it"));
        assert_eq!(
            told(&inventory(&image)),
            tuples(&[("other", "1.0-r0", 0), ("sed", "4.8-r1", 2)]),
            "{manager:?}"
        );
    }
}

#[test]
fn a_database_that_was_away_is_new() {
    let image = Manager::Apk
        .base(&[&sed()])
        .layer(Layer::new().whiteout("lib"))
        .layer(Manager::Apk.database(Layer::new(), &[&sed()], &[]));
    assert_eq!(told(&inventory(&image)), tuples(&[("sed", "4.8-r1", 2)]));
}

/// As Fedora moved rpm's, and Alpine apk's when `/lib` became a part of `/usr`.
#[test]
fn a_database_that_is_moved_is_no_new_one() {
    let moved = Layer::new()
        .whiteout("var/lib/rpm")
        .file("usr/lib/sysimage/rpm/Packages.db", rpm_database(&[newer_sed().rpm(), other().rpm()], 8));
    let image = Manager::Rpm.base(&[&sed(), &other()]).layer(moved);
    assert_eq!(told(&inventory(&image)), tuples(&[("other", "1.0-r0", 0), ("sed", "4.9-r0", 1)]));
}

#[test]
fn distroless_images_have_a_file_for_each_package() {
    let layer = |package: &crate::support::Package| {
        Layer::new().file(format!("var/lib/dpkg/status.d/{}", package.name), package.dpkg_paragraph())
    };
    let image = small_base().layer(layer(&sed())).layer(layer(&other()));
    let base = small_base().layers().count();
    let base = base as u64;
    let inventory = inventory(&image);
    assert_eq!(told(&inventory), tuples(&[("other", "1.0-r0", base + 1), ("sed", "4.8-r1", base)]));
    assert_eq!(inventory["packages"][1]["place"], "/var/lib/dpkg/status.d/sed");
}

#[test]
fn what_is_left_of_a_removed_package_is_not_installed() {
    let status = "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n\
        Package: half\nStatus: install ok half-installed\nVersion: 2\nArchitecture: all\nSource: whole (1:3)\n";
    let image = clean_app(&small_base()).layer(Layer::new().file("var/lib/dpkg/status", status));
    let inventory = inventory(&image);
    let packages = inventory["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 1);
    assert_eq!(packages[0]["source"], serde_json::json!({ "name": "whole", "version": "1:3" }));
    assert_eq!(packages[0]["purl"], "pkg:deb/debian/half@2?arch=all&distro=debian-13&upstream=whole%401:3");
    assert_eq!(inventory["distribution"]["codename"], "trixie");
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_is_told() {
    let image = Manager::Dpkg
        .base(&[&sed()])
        .layer(Layer::new().file("var/lib/rpm/rpmdb.sqlite", "SQLite format 3\0 and no more"))
        .layer(Layer::new().file("lib/apk/db/installed", "P:half\nno letter\n\n"));
    let (exit, inventory) = inventory_on(&image, None);
    assert_eq!(exit, 2);
    assert_eq!(told(&inventory), tuples(&[("sed", "4.8-r1", 0)]));
    let gaps = inventory["gaps"].as_array().unwrap();
    let of =
        |place: &str| gaps.iter().find(|gap| gap["place"] == place).unwrap_or_else(|| panic!("{gaps:#?}"));
    assert_eq!(of("/var/lib/rpm/rpmdb.sqlite")["layer"], 1);
    assert!(of("/lib/apk/db/installed")["reason"].as_str().unwrap().contains("could not be understood"));
}

/// What dpkg did last may be in its journal alone, and counts as if it were in `status`.
#[test]
fn the_journal_of_dpkg_is_read_behind_its_status() {
    let paragraph = |name: &str, version: &str, status: &str| {
        format!("Package: {name}\nStatus: {status}\nVersion: {version}\nArchitecture: amd64\n")
    };
    let installed = "install ok installed";
    let status = [("gone", "1"), ("kept", "1"), ("new", "1")]
        .map(|(name, version)| paragraph(name, version, installed));
    let image = small_base().layer(
        Layer::new()
            .file("var/lib/dpkg/status", status.join("\n"))
            .file("var/lib/dpkg/updates/0000", paragraph("new", "2", installed))
            .file("var/lib/dpkg/updates/0001", paragraph("new", "3", installed))
            .file("var/lib/dpkg/updates/0002", paragraph("gone", "1", "purge ok not-installed"))
            .file("var/lib/dpkg/updates/0003", paragraph("curl", "7", installed))
            .file("var/lib/dpkg/updates/tmp.i", paragraph("never", "7", installed)),
    );
    let layer = small_base().layers().count() as u64;
    assert_eq!(
        told(&inventory(&image)),
        tuples(&[("curl", "7", layer), ("kept", "1", layer), ("new", "3", layer)])
    );
    let torn = image.layer(Layer::new().file("var/lib/dpkg/updates/0004", "Package: half\nStatus: inst"));
    let (exit, inventory) = inventory_on(&torn, None);
    assert_eq!((exit, inventory["gaps"].as_array().unwrap().len()), (2, 1), "{inventory:#}");
}

/// Images of Azure Linux without a package manager have a list that rpm printed instead of its database.
#[test]
fn the_manifest_of_distroless_images_is_read_as_a_database_of_rpm() {
    const LIST: &str = "openssl-libs\t1.1.1k-15.cm2\t1653816591\t1653631609\tMicrosoft Corporation\t(none)\t4365048\tx86_64\t0\topenssl-1.1.1k-15.cm2.src.rpm\n\
        vim\t9.0-1.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t2\t45000\tx86_64\t2\tvim-9.0-1.cm2.src.rpm\n";
    let place = "var/lib/rpmmanifest/container-manifest-2";
    let of = |list: &str| small_base().layer(os_release(Layer::new(), "mariner", "2.0").file(place, list));
    let all = inventory(&of(LIST));
    let layer = small_base().layers().count() as u64;
    assert_eq!(
        told(&all),
        tuples(&[("openssl-libs", "1.1.1k-15.cm2", layer), ("vim", "2:9.0-1.cm2", layer)])
    );
    assert_eq!(
        all["packages"][0]["source"],
        serde_json::json!({"name": "openssl", "version": "1.1.1k-15.cm2"})
    );
    let (exit, some) = inventory_on(&of(&format!("{LIST}bash\t5.1\n")), None);
    assert_eq!((exit, told(&some).len(), some["gaps"].as_array().unwrap().len()), (2, 2, 1), "{some:#}");
    assert_eq!(some["gaps"][0]["place"], format!("/{place}"));
    let taken_away = of(LIST).layer(Layer::new().whiteout("var/lib/rpmmanifest"));
    assert_eq!(inventory_on(&taken_away, None).0, 2);
}

/// Environments of conda may be anywhere.
#[test]
fn packages_of_conda_are_a_gap_wherever_they_are() {
    let package = "conda-meta/openssl-1.1.1k-h27cfd23_0.json";
    for prefix in ["opt/conda", "opt/conda/envs/app", "home/app/.pixi/envs/default"] {
        let image = small_base().layer(Layer::new().file(format!("{prefix}/{package}"), "{}"));
        let (exit, inventory) = inventory_on(&image, None);
        let gaps = inventory["gaps"].as_array().unwrap();
        assert_eq!((exit, gaps.len()), (2, 1), "{inventory:#}");
        assert_eq!(gaps[0]["place"], format!("/{prefix}/conda-meta"));
        assert_eq!(gaps[0]["reason"], "what conda says is installed is not read");
    }
    let nothing = Layer::new().file("opt/conda/conda-meta/history", "").file("opt/conda-meta/README", "");
    assert_eq!(inventory_on(&small_base().layer(nothing), None).0, 0);
}

/// An image of a distribution that is not known here has packages, though none is told.
#[test]
fn what_other_managers_keep_is_a_gap() {
    let debian = Manager::Dpkg.base(&[&sed()]);
    for (manager, path) in [
        ("Container-Optimized OS", "etc/cos-package-info.json"),
        ("Guix", "gnu/store/abc-hello-2.12/bin/hello"),
        ("Nix", "nix/store/abc-hello-2.12/bin/hello"),
        ("opkg", "usr/lib/opkg/status"),
        ("Bottlerocket", "usr/share/bottlerocket/application-inventory.json"),
        ("Portage, or FreeBSD's pkg", "var/db/pkg/sys-libs/glibc-2.39/CONTENTS"),
        ("xbps", "var/db/xbps/pkgdb-0.38.plist"),
        ("eopkg", "var/lib/eopkg/package/glibc-2.39-1/metadata.xml"),
        ("opkg", "var/lib/opkg/status"),
        ("pacman", "var/lib/pacman/local/glibc-2.39-1/desc"),
        ("pkgtools", "var/lib/pkgtools/packages/glibc-2.39"),
        ("pkgtools", "var/log/packages/glibc-2.17"),
        ("chisel", "var/lib/chisel/manifest.wall"),
    ] {
        let layer = || Layer::new().file(path, "x");
        let (exit, inventory) = inventory_on(&small_base().layer(layer()), None);
        let gaps = inventory["gaps"].as_array().unwrap();
        let reason = format!("what {manager} says is installed is not read");
        assert_eq!((exit, gaps.len(), gaps[0]["reason"].as_str()), (2, 1, Some(&*reason)), "{inventory:#}");
        assert!(format!("/{path}").starts_with(gaps[0]["place"].as_str().unwrap()), "{gaps:?}");
        // dpkg knows the packages that chisel took parts of.
        let (exit, inventory) = inventory_on(&debian.clone().layer(layer()), None);
        let expected = if manager == "chisel" { (0, 0) } else { (2, 1) };
        assert_eq!((exit, inventory["gaps"].as_array().unwrap().len()), expected, "{inventory:#}");
    }
    let nothing_in_it =
        small_base().layer(Layer::new().dir("var/lib/pacman/local", 0o755).dir("nix/store", 0o755));
    assert_eq!(inventory_on(&nothing_in_it, None).0, 0);
    let round = small_base().layer(Layer::new().symlink("var/lib/pacman", "pacman"));
    let (exit, inventory) = inventory_on(&round, None);
    assert_eq!((exit, inventory["gaps"].as_array().unwrap().len()), (2, 1), "{inventory:#}");
}

/// To know of one package of a broken database is better than of none.
#[test]
fn a_broken_rpm_database_tells_what_is_whole_in_it() {
    let packages = ["first", "second", "third"].map(|name| RpmPackage::of(name, "1-1", []));
    let mut database = rpm_database(&packages, 8);
    let at = database.windows(6).position(|window| window == b"second").unwrap();
    // Its name ends before it begins.
    database[at] = 0;
    let image = small_base().layer(Layer::new().file("var/lib/rpm/Packages.db", database));
    let (exit, inventory) = inventory_on(&image, None);
    let names: Vec<_> = told(&inventory).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(
        (exit, names.contains(&"first".to_owned()), names.contains(&"third".to_owned())),
        (2, true, true),
        "{inventory:#}"
    );
    assert!(!inventory["gaps"].as_array().unwrap().is_empty());
}

const PYTHON: &str = "Name: PyYAML\nVersion: 5.1\n";
const NPM: &str = r#"{"name": "lodash", "version": "4.17.20"}"#;
const GEM: &str = "# stub: rack 2.2.2 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rack\"\n  s.version = \"2.2.2\"\nend\n";

/// As pnpm links the files of packages from its store, and symlinks lead to files of any name.
#[test]
fn metadata_is_found_under_the_name_of_a_link() {
    let site = "usr/lib/python3/site-packages";
    let (python, egg) = (format!("{site}/PyYAML-5.1.dist-info"), format!("{site}/PyYAML-5.1.egg"));
    let (metadata, egg_info) = (format!("{python}/METADATA"), format!("{site}/PyYAML-5.1.egg-info"));
    let npm = "app/node_modules/lodash/package.json".to_owned();
    let gem = "usr/lib/ruby/specifications/rack-2.2.2.gemspec".to_owned();
    for (text, file, link, target, place, name) in [
        (PYTHON, "opt/store/aa", &metadata, None, &metadata, "PyYAML"),
        (PYTHON, "opt/store/aa", &metadata, Some("/opt/store/aa"), &metadata, "PyYAML"),
        (PYTHON, "opt/store/aa", &egg_info, Some("/opt/store/aa"), &egg_info, "PyYAML"),
        (PYTHON, "opt/aa/METADATA", &python, Some("/opt/aa"), &metadata, "PyYAML"),
        (PYTHON, "opt/aa/PKG-INFO", &egg_info, Some("/opt/aa"), &format!("{egg_info}/PKG-INFO"), "PyYAML"),
        (
            PYTHON,
            "opt/aa/EGG-INFO/PKG-INFO",
            &egg,
            Some("/opt/aa"),
            &format!("{egg}/EGG-INFO/PKG-INFO"),
            "PyYAML",
        ),
        (NPM, "root/.local/share/pnpm/store/v3/files/ab/cdef", &npm, None, &npm, "lodash"),
        (NPM, "src/p.json", &npm, Some("/src/p.json"), &npm, "lodash"),
        (
            NPM,
            "app/node_modules/.store/lodash-1/package/package.json",
            &"app/node_modules/lodash".to_owned(),
            Some(".store/lodash-1/package"),
            &npm,
            "lodash",
        ),
        (GEM, "opt/store/aa", &gem, Some("/opt/store/aa"), &gem, "rack"),
    ] {
        let plain = Layer::new().file(file, text);
        assert_eq!(told(&inventory(&small_base().layer(plain.clone()))), []);
        let linked = match target {
            None => plain.hardlink(link, file),
            Some(target) => plain.symlink(link, target),
        };
        let inventory = inventory(&small_base().layer(linked));
        let packages = inventory["packages"].as_array().unwrap();
        assert_eq!(packages.len(), 1, "{link}: {inventory:#}");
        assert_eq!(
            (&packages[0]["name"], &packages[0]["place"]),
            (&name.into(), &format!("/{place}").into())
        );
    }
}

/// Where the target is looked at by its own name, it is told there, and once.
#[test]
fn links_to_what_is_known_are_neither_packages_nor_gaps() {
    let layer = Layer::new()
        .file("app/node_modules/.pnpm/lodash@4/node_modules/lodash/package.json", NPM)
        .symlink("app/node_modules/lodash", ".pnpm/lodash@4/node_modules/lodash")
        .file("root/.cache/uv/archive/aa/PyYAML-5.1.dist-info/METADATA", PYTHON)
        .hardlink(
            "venv/PyYAML-5.1.dist-info/METADATA",
            "root/.cache/uv/archive/aa/PyYAML-5.1.dist-info/METADATA",
        )
        .file("usr/share/java/x-1.2.jar", "no archive")
        .symlink("usr/share/java/x.jar", "x-1.2.jar")
        .file("src/own/package.json", r#"{"name": "own", "version": "1"}"#)
        .symlink("app/node_modules/own", "../../src/own")
        .symlink("app/node_modules/gone", "../../nowhere")
        .symlink("app/node_modules/round", "round")
        .symlink("app/gone.jar", "nowhere")
        .dir("srv/empty", 0o755)
        .symlink("srv/node_modules", "empty")
        .symlink("bin/tool.sh", "../usr/share/java/x-1.2.jar");
    let inventory = inventory(&small_base().layer(layer));
    let names: Vec<_> = told(&inventory).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["PyYAML", "lodash"], "{inventory:#}");
}

#[test]
fn links_to_what_is_not_read_again_are_gaps() {
    for (place, layer) in [
        (
            "/app/log4j-core-2.14.1.jar",
            Layer::new().file("opt/aa", "x").symlink("app/log4j-core-2.14.1.jar", "/opt/aa"),
        ),
        (
            "/app/log4j-core-2.14.1.jar",
            Layer::new().file("opt/aa", "x").hardlink("app/log4j-core-2.14.1.jar", "opt/aa"),
        ),
        (
            "/app/node_modules",
            Layer::new().file("deps/lodash/package.json", NPM).symlink("app/node_modules", "/deps"),
        ),
        (
            "/app/node_modules/@x",
            Layer::new().file("deps/lodash/package.json", NPM).symlink("app/node_modules/@x", "/deps"),
        ),
        (
            "/app/node_modules",
            Layer::new()
                .file("store/lodash/package.json", NPM)
                .symlink("deps/lodash", "/store/lodash")
                .symlink("app/node_modules", "/deps"),
        ),
        (
            "/ruby/specifications",
            Layer::new().file("gems/rack-2.2.2.gemspec", GEM).symlink("ruby/specifications", "/gems"),
        ),
        (
            "/ruby/specifications",
            Layer::new().file("gems/default/rack-2.2.2.gemspec", GEM).symlink("ruby/specifications", "/gems"),
        ),
        (
            "/a.dist-info/METADATA",
            Layer::new().file("opt/aa", "no name").symlink("a.dist-info/METADATA", "/opt/aa"),
        ),
    ] {
        let (exit, inventory) = inventory_on(&small_base().layer(layer), None);
        let gaps = inventory["gaps"].as_array().unwrap();
        assert_eq!((exit, gaps.len()), (2, 1), "{inventory:#}");
        assert_eq!(gaps[0]["place"], place);
    }
}

/// A file is there as long as one of its names is.
#[test]
fn what_is_left_of_a_files_names_is_told() {
    let (first, second) = ("a/x.dist-info/METADATA", "b/x.dist-info/METADATA");
    let both = small_base().layer(Layer::new().file(first, PYTHON).hardlink(second, first));
    let place = |image: &Image| inventory(image)["packages"][0]["place"].clone();
    assert_eq!(place(&both), format!("/{first}"));
    assert_eq!(place(&both.layer(Layer::new().whiteout("a"))), format!("/{second}"));
}

/// To take its database away takes no package away.
#[test]
fn a_database_that_was_taken_away_is_a_gap() {
    for (manager, directory, file) in [
        (Manager::Dpkg, "var/lib/dpkg", "var/lib/dpkg/status"),
        (Manager::Apk, "lib/apk/db", "lib/apk/db/installed"),
        (Manager::Rpm, "var/lib/rpm", "var/lib/rpm/Packages.db"),
    ] {
        let base = manager.base(&[&sed(), &other()]);
        let nothing_to_do_with_it = Layer::new().file("etc/motd", "x");
        let gaps = |layer: Layer| {
            let (exit, inventory) =
                inventory_on(&base.clone().layer(layer).layer(nothing_to_do_with_it.clone()), None);
            let gaps = inventory["gaps"].as_array().unwrap().clone();
            assert_eq!(exit, if gaps.is_empty() { 0 } else { 2 });
            gaps
        };
        for honest in [
            Layer::new().file("etc/issue", "x"),
            upgrade(manager),
            manager.database(Layer::new(), &[&other()], &[&other()]),
        ] {
            assert_eq!(gaps(honest), [] as [Value; 0], "{manager:?}");
        }
        for (trick, layer) in [
            ("directory", Layer::new().whiteout(directory)),
            ("opaque", Layer::new().opaque(directory)),
            ("empty", manager.database(Layer::new(), &[], &[])),
            ("nowhere", Layer::new().whiteout(directory).symlink(file, "/nowhere")),
        ] {
            let gaps = gaps(layer);
            let had = |gap: &&Value| gap["reason"].as_str().unwrap().contains("had packages up to layer 0");
            let gap = gaps.iter().find(had).unwrap_or_else(|| panic!("{manager:?} {trick}: {gaps:#?}"));
            assert!(gap["place"].as_str().unwrap().starts_with(&format!("/{directory}")), "{gap}");
        }
    }
}

#[test]
fn the_files_of_distroless_images_that_were_taken_away_are_a_gap() {
    let image = small_base()
        .layer(Layer::new().file("var/lib/dpkg/status.d/sed", sed().dpkg_paragraph()))
        .layer(Layer::new().file("var/lib/dpkg/status.d/sed", "").file("var/lib/dpkg/status.d/other", "x"))
        .layer(Layer::new().whiteout("var/lib/dpkg/status.d"));
    let had = small_base().layers().count();
    let (exit, inventory) = inventory_on(&image, None);
    let gap = &inventory["gaps"][0];
    assert_eq!((exit, &gap["place"], &gap["layer"]), (2, &"/var/lib/dpkg/status.d".into(), &had.into()));
}

/// A few kilobytes of symlinks on the way to thousands of lists.
#[test]
fn lists_that_are_far_away_are_a_gap_and_cost_little() {
    let started = std::time::Instant::now();
    let gaps = |target: &str| {
        let paragraph = |number| {
            format!("Package: p{number}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n")
        };
        let links = (0..38).fold(Layer::new(), |layer, number| {
            layer.symlink(format!("c/{number}"), format!("{}{}", "./".repeat(2_000), number + 1))
        });
        let layer =
            (0..1_000).fold(links, |layer, number| layer.file(format!("c/38/p{number}.list"), "/.\n"));
        let status = (0..1_000).map(paragraph).collect::<String>();
        let layer = layer.file("var/lib/dpkg/status", status).symlink("var/lib/dpkg/info", target);
        let (exit, inventory) = inventory_on(&small_base().layer(layer), None);
        assert_eq!(inventory["packages"].as_array().unwrap().len(), 1_000);
        (exit, inventory["gaps"].to_string())
    };
    assert_eq!(gaps("/c/38"), (0, "[]".to_owned()));
    let (exit, reasons) = gaps("/c/0");
    assert!(exit == 2 && reasons.contains("FOLLOWED_STEPS"), "{reasons}");
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn lists_of_files_without_a_database_are_a_gap() {
    let lists = || Layer::new().file("var/lib/dpkg/info/sed.list", "/.\n/bin\n/bin/sed\n");
    let (exit, inventory) = inventory_on(&small_base().layer(lists()), None);
    assert_eq!((exit, &inventory["gaps"][0]["place"]), (2, &"/var/lib/dpkg/info".into()), "{inventory:#}");
    let with = lists().file("var/lib/dpkg/status.d/sed", sed().dpkg_paragraph());
    assert_eq!(inventory_on(&small_base().layer(with), None).0, 0);
    for left in ["var/lib/dpkg/info/sed.md5sums", "lib/apk/db/triggers", "usr/lib/apk/db/scripts.tar.gz"] {
        assert_eq!(inventory_on(&small_base().layer(Layer::new().file(left, "x")), None).0, 2, "{left}");
    }
    let nothing_in_it = Layer::new().file("var/lib/dpkg/info/format", "1\n");
    assert_eq!(inventory_on(&small_base().layer(nothing_in_it), None).0, 0);
}

#[test]
fn the_text_has_a_line_for_each_package() {
    let base = Manager::Dpkg.base(&[&sed(), &other()]).layer(os_release(Layer::new(), "debian", "12"));
    let room = Room::new();
    let image = room.write("image.tar", base.clone().layer(upgrade(Manager::Dpkg)).oci_archive());
    let catalog = room.catalog(&[&base]);
    let output = run(&[
        "inspect",
        image.to_str().unwrap(),
        "--packages",
        "--bases",
        catalog.to_str().unwrap(),
        "--format",
        "text",
    ]);
    let words: Vec<Vec<String>> = text(&output.stdout)
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    assert_eq!(words[0].join(" "), "# debian 12, 2 packages");
    assert_eq!(words[1].join(" "), "deb other 1.0-r0 amd64 0 base /var/lib/dpkg/status");
    assert_eq!(words[2].join(" "), "deb sed 4.9-r0 amd64 2 upper /var/lib/dpkg/status");
}

/// The bill of materials of an image in a format.
fn bill(image: &Image, format: &str) -> (i32, String) {
    let room = Room::new();
    let path = room.write("image.tar", image.oci_archive());
    let output = run(&["sbom", path.to_str().unwrap(), "--format", format]);
    (output.status.code().unwrap(), text(&output.stdout))
}

#[test]
fn a_bill_of_materials_names_each_package_and_is_the_same_each_time() {
    let image = Manager::Dpkg.base(&[&newer_sed(), &other()]).layer(
        os_release(Layer::new(), "debian", "12")
            .file("var/lib/dpkg/status.d/sed", newer_sed().dpkg_paragraph()),
    );
    let (exit, cyclonedx) = bill(&image, "cyclonedx");
    assert_eq!((exit, &bill(&image, "cyclonedx").1), (0, &cyclonedx));
    let document: Value = serde_json::from_str(&cyclonedx).unwrap();
    assert_eq!((&document["bomFormat"], &document["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let references: Vec<_> =
        document["components"].as_array().unwrap().iter().map(|it| it["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(
        references,
        [
            "operating-system",
            "pkg:deb/debian/other@1.0-r0?arch=amd64&distro=debian-12",
            "pkg:deb/debian/sed@4.9-r0?arch=amd64&distro=debian-12",
            "pkg:deb/debian/sed@4.9-r0?arch=amd64&distro=debian-12#2",
        ]
    );
    assert_eq!(document["metadata"]["component"]["version"], image.manifest_digest());
    let (exit, spdx) = bill(&image, "spdx");
    assert_eq!((exit, &bill(&image, "spdx").1), (0, &spdx));
    let document: Value = serde_json::from_str(&spdx).unwrap();
    let names: Vec<_> =
        document["packages"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names[1..], ["debian", "other", "sed", "sed"]);
    assert_eq!(document["relationships"].as_array().unwrap().len(), 5);
    let other_image = image.layer(Layer::new().file("x", "y"));
    let changed: Value = serde_json::from_str(&bill(&other_image, "spdx").1).unwrap();
    assert_ne!(changed["documentNamespace"], document["documentNamespace"]);
}

#[test]
fn a_bill_of_materials_says_what_may_be_missing() {
    let image = Manager::Dpkg.base(&[&sed()]).layer(Layer::new().file("var/lib/rpm/Packages", "no database"));
    let (exit, cyclonedx) = bill(&image, "cyclonedx");
    let document: Value = serde_json::from_str(&cyclonedx).unwrap();
    assert_eq!((exit, &document["compositions"][0]["aggregate"]), (2, &"incomplete".into()));
    let (exit, spdx) = bill(&image, "spdx");
    let document: Value = serde_json::from_str(&spdx).unwrap();
    assert_eq!(exit, 2);
    assert!(document["comment"].as_str().unwrap().contains("/var/lib/rpm/Packages"), "{spdx}");
}

#[test]
fn a_bill_of_materials_is_of_one_image_and_written_whole() {
    let room = Room::new();
    let path = room.write("image.tar", Manager::Dpkg.base(&[&sed()]).oci_archive());
    let file = room.path("bom.json");
    let output = run(&["sbom", path.to_str().unwrap(), "-o", file.to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("}\n"));
    let nowhere = run(&["sbom", path.to_str().unwrap(), "--image", "other:1"]);
    assert_eq!(nowhere.status.code(), Some(2));
}
