package iso7816_test

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/nfc/iso7816"
)

// SELECT by name, as short as it can be.
func ExampleCommand_Append() {
	apdu, err := iso7816.Command{
		INS: iso7816.INSSelect, P1: 0x04,
		Data: []byte{0xa0, 0x00, 0x00, 0x06, 0x47, 0x2f, 0x00, 0x01},
		Ne:   256,
	}.Append(nil)
	fmt.Printf("%x %v\n", apdu, err)
	// Output: 00a4040008a0000006472f000100 <nil>
}

// The same command in both forms.
func ExampleForm() {
	command := iso7816.Command{CLA: 0x80, INS: 0x10, Data: []byte{4}}
	for _, command.Form = range []iso7816.Form{iso7816.Short, iso7816.Extended} {
		command.Ne = command.Form.MaxNe()
		apdu, err := command.Append(nil)
		fmt.Printf("%x %v\n", apdu, err)
	}
	// Output:
	// 80100000010400 <nil>
	// 80100000000001040000 <nil>
}

func ExampleParse() {
	command, err := iso7816.Parse([]byte{0x80, 0x10, 0x00, 0x00, 0x01, 0x04, 0x00})
	fmt.Println(command, err)

	_, err = iso7816.Parse([]byte{0x80, 0x10, 0x00, 0x00, 0x05, 0x04})
	fmt.Println(err)
	// Output:
	// 80 10 00 00, 1 bytes, Ne 256, short <nil>
	// iso7816: APDU of 6 bytes: less data follows than Lc says
}

// The U2F VERSION of some hosts has an Lc, which is zero.
func ExampleParseLenient() {
	apdu := []byte{0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}
	command, zeroLc, err := iso7816.ParseLenient(apdu)
	fmt.Println(command, zeroLc, err)
	// Output: 00 03 00 00, 0 bytes, Ne 65536, extended true <nil>
}

func ExampleParseResponse() {
	response, err := iso7816.ParseResponse([]byte("U2F_V2\x90\x00"))
	fmt.Printf("%s %v %v\n", response.Data, response.Err(), err)

	response, err = iso7816.ParseResponse([]byte{0x6a, 0x82})
	fmt.Println(errors.Is(response.Err(), iso7816.SWFileOrApplicationNotFound), err)
	fmt.Println(response.Err())
	// Output:
	// U2F_V2 <nil> <nil>
	// true <nil>
	// status word 6A82: file or application not found
}

func ExampleResponse_Append() {
	fmt.Printf("%x\n", iso7816.Response{Data: []byte("U2F_V2"), SW: iso7816.SWNoError}.Append(nil))
	// Output: 5532465f56329000
}

// A card has 300 bytes left, then 44: the first is all that two digits can say.
func ExampleStatusWord_Remaining() {
	for _, left := range []int{300, 44} {
		sw := iso7816.BytesRemaining(left)
		n, ok := sw.Remaining()
		fmt.Println(sw.String(), n, ok)
	}
	// Output:
	// 6100 256 true
	// 612C 44 true
}
