package hidapi_test

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/ctaphid/hidapi"
)

func ExampleList() {
	keys, err := hidapi.List()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		fmt.Println(err) // says which build could
	case err != nil:
		fmt.Println(err)
	}
	for _, k := range keys {
		fmt.Println(k)
		if k.Access != nil {
			fmt.Println(k.Access)
		}
	}
}
