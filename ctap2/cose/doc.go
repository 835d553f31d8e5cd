// Package cose reads, writes and uses COSE keys as CTAP2 and WebAuthn know them.
//
// A COSE key (RFC 9052 section 7, RFC 9053 section 7) is a CBOR map with integer labels. A security key sends one as
// the public key of a new credential, and each side sends one when a shared secret is agreed on for PINs. This is the
// P-256 key of a credential that signs with ES256:
//
//	{
//	   1: 2,        kty  key type EC2
//	   3: -7,       alg  ES256
//	  -1: 1,        crv  P-256
//	  -2: h'…32…',  x
//	  -3: h'…32…',  y
//	}
//
// [Parse] reads such a map, [New] makes one from a key of the standard library, [Key.Verify] checks a signature with it
// and [Sign] makes one. The signature forms are those of WebAuthn Level 3 section 6.5.5, which differ from COSE's own:
// ECDSA signatures are DER, not two numbers side by side.
//
// A key of a type or an algorithm unknown here can be carried and stored, because [Key.Raw] keeps its bytes, but
// nothing can be verified with it.
package cose
