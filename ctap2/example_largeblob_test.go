package ctap2_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// withLargeBlobKey registers a passkey and returns a client for its key, and the
// largeBlobKey of the passkey.
func withLargeBlobKey() (*ctap2.Client, ctap2.LargeBlobKey) {
	client := softwareKey(virtual.Config{})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.RequestLargeBlobKey()
	made, err := client.MakeCredential(context.Background(), &account)
	if err != nil {
		log.Fatal(err)
	}
	return client, made.LargeBlobKey
}

// A login brings the key that encrypts the large blob of the passkey.
func ExampleExtensions_RequestLargeBlobKey() {
	ctx := context.Background()
	client, _ := withLargeBlobKey()
	request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
	request.Extensions.RequestLargeBlobKey()
	got, err := client.GetAssertion(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(got.LargeBlobKey), got.LargeBlobKey)
	// Output: 32 LargeBlobKey(redacted)
}

// A certificate that travels with a passkey. With a PIN, the token needs
// PermissionLBW; this key has none.
func ExampleClient_SetLargeBlob() {
	ctx := context.Background()
	client, key := withLargeBlobKey()
	for _, data := range []string{"a certificate", "a newer certificate"} {
		if err := client.SetLargeBlob(ctx, nil, key, []byte(data)); err != nil {
			log.Fatal(err)
		}
	}
	data, err := client.GetLargeBlob(ctx, key)
	fmt.Printf("%s %v\n", data, err)
	// Output: a newer certificate <nil>
}

func ExampleClient_GetLargeBlob() {
	client, key := withLargeBlobKey()
	_, err := client.GetLargeBlob(context.Background(), key)
	fmt.Println(errors.Is(err, ctap2.ErrNoLargeBlob))
	// Output: true
}

func ExampleClient_DeleteLargeBlob() {
	ctx := context.Background()
	client, key := withLargeBlobKey()
	if err := client.SetLargeBlob(ctx, nil, key, []byte("a certificate")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.DeleteLargeBlob(ctx, nil, key))
	fmt.Println(client.DeleteLargeBlob(ctx, nil, key))
	// Output:
	// <nil>
	// ctap2: no large blob is stored for the credential
}

// How many blobs are there is no secret, and how large they are; what is in them
// is.
func ExampleClient_ReadLargeBlobs() {
	ctx := context.Background()
	client, key := withLargeBlobKey()
	if err := client.SetLargeBlob(ctx, nil, key, []byte("a certificate")); err != nil {
		log.Fatal(err)
	}
	all, err := client.ReadLargeBlobs(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, err = all.Find(make([]byte, ctap2.LargeBlobKeySize)) // of another credential
	fmt.Println(len(all), errors.Is(err, ctap2.ErrNoLargeBlob))
	// Output: 1 true
}

// What is damaged stays as it is, until the user has been asked and everything is
// written anew.
func ExampleClient_WriteLargeBlobs() {
	ctx := context.Background()
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := key.SetLargeBlobArray([]byte("what a broken key makes of it")); err != nil {
		log.Fatal(err)
	}
	client := ctap2.NewClient(key.Direct(), nil)
	_, err = client.ReadLargeBlobs(ctx)
	if damaged, ok := errors.AsType[*ctap2.LargeBlobArrayError](err); ok {
		fmt.Println(len(damaged.Raw), "bytes are damaged")
		if err := client.WriteLargeBlobs(ctx, nil, nil); err != nil {
			log.Fatal(err)
		}
	}
	all, err := client.ReadLargeBlobs(ctx)
	fmt.Println(len(all), err)
	// Output:
	// 29 bytes are damaged
	// 0 <nil>
}

// The command is there as it is, too.
func ExampleClient_LargeBlobs() {
	client := softwareKey(virtual.Config{})
	r, err := client.LargeBlobs(context.Background(), &ctap2.LargeBlobsRequest{Get: new(uint(100)), Offset: new(uint(0))})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", r.Config)
	// Output: 8076be8b528d0075f7aae98d6fa57a6d3c
}

// Keys of CTAP 2.2 can have an extension instead of the command: the blob comes
// and goes with a login.
func ExampleExtensions_SetLargeBlob() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{LargeBlobExtension: true})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.SetLargeBlobSupport(ctap2.LargeBlobPreferred)
	made, err := client.MakeCredential(ctx, &account)
	if err != nil {
		log.Fatal(err)
	}
	credential := ctap2.PublicKeyCredentialDescriptor{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey}

	write := &ctap2.GetAssertionRequest{
		RPID: "example.com", ClientDataHash: challenge[:],
		AllowList: []ctap2.PublicKeyCredentialDescriptor{credential}, // or nothing is written
	}
	if err := write.Extensions.SetLargeBlob([]byte("a certificate")); err != nil {
		log.Fatal(err)
	}
	read := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
	read.Extensions.RequestLargeBlob()
	for _, request := range []*ctap2.GetAssertionRequest{write, read} {
		got, err := client.GetAssertion(ctx, request)
		if err != nil {
			log.Fatal(err)
		}
		output, err := got.UnsignedExtensionOutputs.LargeBlob()
		if err != nil {
			log.Fatal(err)
		}
		if output.Written != nil {
			fmt.Println("written:", *output.Written)
			continue
		}
		data, err := output.Data()
		fmt.Printf("%s %v\n", data, err)
	}
	// Output:
	// written: true
	// a certificate <nil>
}

func ExampleExtensions_SetLargeBlobSupport() {
	client := softwareKey(virtual.Config{LargeBlobExtension: true})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.SetLargeBlobSupport(ctap2.LargeBlobRequired)
	made, err := client.MakeCredential(context.Background(), &account)
	if err != nil {
		log.Fatal(err)
	}
	output, err := made.UnsignedExtensionOutputs.LargeBlob()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(output != nil && *output.Supported)
	// Output: true
}

// A few bytes that a relying party keeps on the key.
func ExampleExtensions_SetCredBlob() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.SetCredBlob([]byte("account 17"))
	made, err := client.MakeCredential(ctx, &account)
	if err != nil {
		log.Fatal(err)
	}
	stored, err := made.AuthData.Extensions.CredBlobStored()
	fmt.Println(stored, err)

	request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
	request.Extensions.RequestCredBlob()
	got, err := client.GetAssertion(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	blob, err := got.AuthData.Extensions.CredBlob()
	fmt.Printf("%s %v\n", blob, err)
	// Output:
	// true <nil>
	// account 17 <nil>
}
