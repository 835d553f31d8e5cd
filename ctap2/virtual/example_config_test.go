package virtual_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/virtual"
)

// A key that wants the user verified each time, and gives no way out of it.
func ExampleConfig_alwaysUV() {
	ctx := context.Background()
	_, client := newKey(virtual.Config{AlwaysUV: true, AlwaysUVStays: true})
	_, err := client.MakeCredential(ctx, register("ada"))
	fmt.Println(errors.Is(err, ctap2.StatusPUATRequired))
	fmt.Println(errors.Is(client.ToggleAlwaysUv(ctx, nil), ctap2.StatusOperationDenied))
	// Output:
	// true
	// true
}

// An enterprise's key tells its serial number to relying parties of the vendor's
// list.
func ExampleEnterprise() {
	_, client := newKey(virtual.Config{Enterprise: &virtual.Enterprise{
		Enabled:      true,
		RPIDs:        []string{"example.com"},
		SerialNumber: []byte("number 17"),
	}})
	r := register("ada")
	r.EnterpriseAttestation = 1 // vendor-facilitated
	made, err := client.MakeCredential(context.Background(), r)
	if err != nil {
		log.Fatal(err)
	}
	result, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, r.ClientDataHash)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v, %s", made.EpAtt, result.EnterpriseSerial)
	// Output: true, number 17
}

// A policy for PINs that a company might have.
func ExamplePINComplexity() {
	ctx := context.Background()
	_, client := newKey(virtual.Config{PINComplexity: &virtual.PINComplexity{
		Enforced: true,
		Allows: func(pin []byte) bool {
			return virtual.NotTooSimple(pin) && string(pin) != "2580" // down the middle of a keypad
		},
		URL: "https://example.com/pin-rules",
	}})
	for _, pin := range []string{"1234", "2580", "8350"} {
		fmt.Println(pin, errors.Is(client.SetPIN(ctx, []byte(pin)), ctap2.StatusPINPolicyViolation))
	}
	// Output:
	// 1234 true
	// 2580 true
	// 8350 false
}

// A reset that wants a touch of five seconds. The scripted user gives it the
// second time.
func ExampleConfig_longTouchForReset() {
	ctx := context.Background()
	_, client := newKey(virtual.Config{
		LongTouchForReset: true,
		User: virtual.Script(
			virtual.Step{After: 10 * time.Millisecond, Touch: virtual.Touch},
			virtual.Step{After: 10 * time.Millisecond, Touch: virtual.LongTouch},
		),
	})
	fmt.Println(errors.Is(client.Reset(ctx), ctap2.StatusOperationDenied))
	fmt.Println(client.Reset(ctx))
	// Output:
	// true
	// <nil>
}

// A key that is reset on a card reader and nowhere else.
func ExampleConfig_transportsForReset() {
	ctx := context.Background()
	for _, transport := range []string{ctap2.TransportUSB, ctap2.TransportNFC} {
		_, client := newKey(virtual.Config{Transport: transport, TransportsForReset: []string{ctap2.TransportNFC}})
		fmt.Println(transport, client.Reset(ctx) == nil)
	}
	// Output:
	// usb false
	// nfc true
}

// A vendor's command that fails.
func ExampleConfig_vendorCommands() {
	_, client := newKey(virtual.Config{VendorCommands: map[uint64]func(params []byte) error{
		0x7001: func([]byte) error { return ctap2.StatusNotAllowed },
	}})
	err := client.VendorPrototype(context.Background(), nil, 0x7001, nil)
	fmt.Println(errors.Is(err, ctap2.StatusNotAllowed))
	// Output: true
}

func ExampleKey_ForcePINChange() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	if err := key.ForcePINChange(); err != nil {
		log.Fatal(err)
	}
	_, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionGA, "example.com")
	fmt.Println(err)
	fmt.Println(client.ChangePIN(ctx, []byte("1234"), []byte("5678")))
	// Output:
	// the key wants a new PIN before it accepts this one: change the PIN
	// <nil>
}
