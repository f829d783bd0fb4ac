use proptest::prelude::*;

use super::{
    sample::{blob, enums, info},
    *,
};

/// A BTF blob of `int`, `struct pair { int a; int b; }`, `void drop(struct pair *)` and `enum reason { NONE, GONE }`.
fn whole() -> Vec<u8> {
    const STRINGS: &[u8] = b"\0int\0pair\0a\0b\0drop\0reason\0NONE\0GONE\0";
    let name = |wanted: &str| {
        let wanted = [b"\0", wanted.as_bytes(), b"\0"].concat();
        let at = STRINGS.windows(wanted.len()).position(|name| name == wanted).expect("a name");
        count(at + 1)
    };
    let types = [
        &[name("int"), info(kind::INT, 0), 4, 32][..],
        &[name("pair"), info(kind::STRUCT, 2), 8, name("a"), 1, 0, name("b"), 1, 32],
        &[0, info(kind::PTR, 0), 2],
        &[0, info(kind::FUNC_PROTO, 1), 0, 0, 3],
        &[name("drop"), info(kind::FUNC, 0), 4],
        &[name("reason"), info(kind::ENUM, 2), 4, name("NONE"), 0, name("GONE"), 1],
    ];
    blob(&types.concat(), STRINGS)
}

#[test]
fn members_signatures_and_enumerations() {
    let btf = Btf::parse(whole(), None).expect("a whole blob");
    let types = Split { base: &btf, split: None };
    assert_eq!(types.member("pair", "b").map(|member| (member.bit, member.width)), Some((32, 0)));
    assert_eq!((types.member("pair", "c"), types.size("pair")), (None, Some(8)));
    let function = types.function("drop").expect("a function");
    assert_eq!(types.parameters(function), Some(vec!["pair"]));
    assert_eq!(types.enumeration("reason"), Some(vec![("NONE", 0), ("GONE", 1)]));
    assert_eq!(btf.name_of(function), Some("drop"));
}

#[test]
fn enumerations_of_a_module_and_of_vmlinux() {
    let base = Btf::parse(enums(None, &[("core", &[("FIRST", 1)]), ("both", &[("VMLINUX", 1)])]), None).expect("whole");
    let split = enums(Some(&base), &[("own", &[("SECOND", 2)]), ("both", &[("MODULE", 3)])]);
    let split = Btf::parse(split, Some(&base)).expect("whole");
    let types = Split { base: &base, split: Some(&split) };
    assert_eq!(types.enumeration("core"), Some(vec![("FIRST", 1)]));
    assert_eq!(types.enumeration("own"), Some(vec![("SECOND", 2)]));
    assert_eq!(types.enumeration("both"), Some(vec![("MODULE", 3)]));
    assert_eq!(Split { base: &base, split: None }.enumeration("own"), None);
}

#[test]
fn a_blob_that_is_cut_short_is_refused() {
    let whole = whole();
    for len in 0..whole.len() {
        assert!(Btf::parse(whole[..len].to_vec(), None).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_blob_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Btf::parse([&MAGIC.to_ne_bytes()[..], &bytes].concat(), None);
        let _ = Btf::parse(bytes, None);
    }

    #[test]
    fn a_wrong_byte_is_no_panic(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = whole();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(btf) = Btf::parse(bytes, None) else { return Ok(()) };
        let types = Split { base: &btf, split: None };
        let _ = (types.size("pair"), types.enumeration("reason"), btf.name_of(5));
    }
}
