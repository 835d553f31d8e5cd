package cbor_test

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/cbor"
)

// getAssertionRequest is a part of CTAP's authenticatorGetAssertion request.
type getAssertionRequest struct {
	RPID           string          `cbor:"1,keyasint"`
	ClientDataHash []byte          `cbor:"2,keyasint"`
	Options        map[string]bool `cbor:"5,keyasint,omitempty"`
}

func ExampleMarshal() {
	b, err := cbor.Marshal(getAssertionRequest{
		RPID:           "example.com",
		ClientDataHash: []byte{0xc0, 0xff, 0xee},
		Options:        map[string]bool{"uv": true, "up": true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", b)
	// Output: a3016b6578616d706c652e636f6d0243c0ffee05a2627570f5627576f5
}

func ExampleAppend() {
	const getAssertion = 0x02 // a request is the command byte and one map
	message := make([]byte, 1, 1024)
	message[0] = getAssertion
	message, err := cbor.Append(message, map[int]string{1: "example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", message)
	// Output: 02a1016b6578616d706c652e636f6d
}

func ExampleUnmarshal() {
	var request getAssertionRequest
	err := cbor.Unmarshal([]byte("\xa2\x01\x6bexample.com\x02\x43\xc0\xff\xee"), &request)
	fmt.Printf("%s %x %v\n", request.RPID, request.ClientDataHash, err)

	// A key maps what is wrong to the status of its reply.
	for _, data := range []string{
		"\xa1\x01\x41\x00",         // key 1 is a byte string
		"\xa2\x02\x40\x01\x60",     // key 2 stands in front of key 1
		"\xa1\x01\x6bexample",      // cut short
		"\xa1\x01\x78\x01a\x00",    // a length in two bytes, and more behind
		"\xa1\x05\xa1\x62up\xf6\n", // more behind
	} {
		err := cbor.Unmarshal([]byte(data), &request)
		status := 0x12 // CTAP2_ERR_INVALID_CBOR
		if _, ok := errors.AsType[*cbor.TypeError](err); ok {
			status = 0x11 // CTAP2_ERR_CBOR_UNEXPECTED_TYPE
		}
		fmt.Printf("%#x %v\n", status, err)
	}
	// Output:
	// example.com c0ffee <nil>
	// 0x11 cbor: RPID: byte string of 1 bytes at byte 2 does not fit string
	// 0x12 cbor: not canonical: map keys out of order at byte 3
	// 0x12 cbor: malformed at byte 10: unexpected EOF
	// 0x12 cbor: not canonical: length not in its shortest form at byte 2
	// 0x12 cbor: not canonical: trailing bytes at byte 7
}

func ExampleUnmarshalLenient() {
	// A key has cut a display name after three bytes, in the middle of a character, and sorts its map the other way.
	reply := []byte("\xa2\x6bdisplayName\x63Zo\xc3\x62id\x41\x07")
	var user struct {
		ID          []byte `cbor:"id"`
		DisplayName string `cbor:"displayName"`
	}
	found, err := cbor.UnmarshalLenient(reply, &user)
	fmt.Printf("%x %q %v\n", user.ID, user.DisplayName, err)
	for _, d := range found {
		fmt.Println(d)
	}
	// Output:
	// 07 "Zo" <nil>
	// text that is not valid UTF-8 at byte 13
	// map keys out of order at byte 17
}

func ExampleCheck() {
	reply := []byte{0xa2, 0x02, 0x18, 0x05, 0x01, 0x9f, 0xff, 0x00}
	found, err := cbor.Check(nil, reply)
	for _, d := range found {
		fmt.Println(d)
	}
	fmt.Println(err)
	// Output:
	// integer not in its shortest form at byte 2
	// map keys out of order at byte 4
	// indefinite length at byte 5
	// trailing bytes at byte 7
	// <nil>
}

func ExampleSplit() {
	// Behind the credential ID, authenticator data holds a public key and, with flag ED, a map of extension outputs.
	rest := []byte("\xa2\x01\x02\x03\x26\xa1\x6bcredProtect\x02")
	publicKey, extensions, err := cbor.Split(rest)
	fmt.Printf("%x %x %v\n", publicKey, extensions, err)
	// Output: a201020326 a16b6372656450726f7465637402 <nil>
}

func ExampleDiagnose() {
	text, err := cbor.Diagnose([]byte("\xbf\x01\x6bexample.com\x02\x43\xc0\xff\xee\x05\xa1\x62up\xf5\x18\x06\xc1\x00\xff"))
	fmt.Println(text, err)
	// Output: {_ 1: "example.com", 2: h'c0ffee', 5: {"up": true}, 6_0: 1(0)} <nil>
}

func ExampleAppendDiagnostic() {
	line, err := cbor.AppendDiagnostic([]byte("reply: "), []byte{0xa1, 0x05, 0x19, 0x04, 0x00})
	fmt.Println(string(line), err)
	// Output: reply: {5: 1024} <nil>
}

func ExampleRawMessage() {
	// The statement's type depends on its format, so that it is decoded in a second step.
	var object struct {
		Format    string          `cbor:"fmt"`
		Statement cbor.RawMessage `cbor:"attStmt"`
	}
	if err := cbor.Unmarshal([]byte("\xa2\x63fmt\x66packed\x67attStmt\xa1\x63alg\x26"), &object); err != nil {
		fmt.Println(err)
		return
	}
	var packed struct {
		Algorithm int `cbor:"alg"`
	}
	err := cbor.Unmarshal(object.Statement, &packed)
	fmt.Println(object.Format, packed.Algorithm, err)
	// Output: packed -7 <nil>
}
