package ctap2_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// On a key without a PIN a setting needs no proof.
func ExampleClient_ToggleAlwaysUv() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	if err := client.ToggleAlwaysUv(ctx, nil); err != nil {
		log.Fatal(err)
	}
	info, err := client.Info(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Options[ctap2.OptionAlwaysUv])
	// Output: true
}

// A longer minimum makes a PIN that is too short now useless until it is changed.
func ExampleClient_SetMinPINLength() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	if err := client.SetPIN(ctx, []byte("2580")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("2580"), ctap2.PermissionACFG, "")
	if err != nil {
		log.Fatal(err)
	}
	defer token.Wipe()
	err = client.SetMinPINLength(ctx, token, &ctap2.SetMinPINLengthParams{
		NewMinPINLength:   6,
		MinPinLengthRPIDs: []string{"example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.PINToken(ctx, []byte("2580"), ctap2.PermissionGA, "example.com")
	fmt.Println(err)
	fmt.Println(client.ChangePIN(ctx, []byte("2580"), []byte("258013")))

	// The relying parties of the list may ask.
	r := *newAccount
	r.Options, r.Extensions = ctap2.Options{}, ctap2.Extensions{}
	r.Extensions.RequestMinPINLength()
	made, err := client.MakeCredential(ctx, &r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.AuthData.Extensions.MinPINLength())
	// Output:
	// the key wants a new PIN before it accepts this one: change the PIN
	// <nil>
	// 6 <nil>
}

func ExampleClient_EnableEnterpriseAttestation() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{Enterprise: &virtual.Enterprise{}})
	r := *newAccount
	r.EnterpriseAttestation = 2 // the platform vouches for the relying party
	_, err := client.MakeCredential(ctx, &r)
	fmt.Println(errors.Is(err, ctap2.StatusInvalidParameter))

	if err := client.EnableEnterpriseAttestation(ctx, nil); err != nil {
		log.Fatal(err)
	}
	made, err := client.MakeCredential(ctx, &r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.EpAtt)
	// Output:
	// true
	// true
}

func ExampleClient_EnableLongTouchForReset() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{User: virtual.AlwaysTouch()})
	if err := client.EnableLongTouchForReset(ctx, nil); err != nil {
		log.Fatal(err)
	}
	err := client.Reset(ctx) // the user touches the key for a moment
	fmt.Println(errors.Is(err, ctap2.StatusOperationDenied))
	// Output: true
}

func ExampleClient_VendorPrototype() {
	const blink = 0x7001
	client := softwareKey(virtual.Config{VendorCommands: map[uint64]func([]byte) error{
		blink: func(params []byte) error {
			fmt.Printf("the key gets %x\n", params)
			return nil
		},
	}})
	err := client.VendorPrototype(context.Background(), nil, blink, map[uint64]any{2: 3})
	fmt.Println(err)
	// Output:
	// the key gets a2011970010203
	// <nil>
}

// A subcommand that the package does not know.
func ExampleClient_Config() {
	client := softwareKey(virtual.Config{})
	err := client.Config(context.Background(), &ctap2.ConfigRequest{SubCommand: 0x42})
	fmt.Println(errors.Is(err, ctap2.StatusInvalidSubcommand))
	// Output: true
}
