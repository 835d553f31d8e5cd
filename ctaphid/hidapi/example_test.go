package hidapi_test

import (
	"log"

	"github.com/gofido/fido/ctaphid/hidapi"
)

func ExampleList() {
	keys, err := hidapi.List()
	if err != nil {
		log.Print(err) // if it is errors.ErrUnsupported, it says which build could
	}
	for _, k := range keys {
		log.Print(k)
		if k.Access != nil {
			log.Print(k.Access)
		}
	}
	// Output:
}
