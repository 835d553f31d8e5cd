// Package cbor encodes and decodes the canonical CBOR of CTAP2, the protocol of FIDO2 security keys.
//
// CTAP 2.3 section 8 allows one encoding for each message, the CTAP2 canonical CBOR encoding form. It is a profile of
// CBOR (RFC 8949), and stricter than most encoders are by default:
//
//	rule                                                 broken by       deviation
//	integers are as short as possible                    1800            NonMinimalInt
//	lengths and counts are as short as possible          580100          NonMinimalLength
//	strings, arrays and maps tell their length           9fff            IndefiniteLength
//	map keys are sorted: lower major type first,         a202000100      UnsortedKeys
//	    then the shorter one, then byte by byte
//	keys of a map differ                                 a201000100      DuplicateKey
//	no tags                                              c000            Tag
//	text is UTF-8                                        61ff            InvalidUTF8
//	at most four arrays and maps inside each other       818181818100    TooDeep
//	a message is one item                                0000            TrailingBytes
//
// Two deviations go beyond the letter of the section, because no CTAP message has a place for them and keys refuse
// them: floating-point numbers (Float) and simple values other than false, true, null and undefined (SimpleValue).
//
// # Strict and lenient
//
// What is sent must be canonical, and [Marshal] and [Append] write nothing else, unless a [RawMessage] or another type
// that encodes itself brings it in. What is received is another matter:
//
//   - A key must refuse a request that is not canonical. [Unmarshal] does, and tells bytes that break the rules from
//     items of the wrong type, for which there are two statuses.
//   - A client that refused every such reply could not talk to keys that people own: some sort maps differently, some
//     cut names in the middle of a character. [UnmarshalLenient] reads them, and returns each [Deviation] so that
//     nothing is hidden.
//   - [Check] lists the deviations and decodes nothing. [Split] takes one item off data that continues.
//
// [Diagnose] shows any of this to people.
//
// # Hostile data
//
// All functions may be given any bytes. They do not panic, and claims of length are held against the data before
// anything is allocated. Two hard bounds hold in lenient use too: 16 nested arrays and maps, and [MaxElements]
// elements in each.
//
// # The library below
//
// Encoding is done by github.com/fxamacker/cbor/v2, whose struct tags apply. Decoding is done here, because a key's
// answers depend on differences which that library does not make: it reads an array of integers into a []byte, pads or
// cuts byte strings to fit a Go array, and lets null pass for every type. Fuzz tests compare the two.
package cbor
