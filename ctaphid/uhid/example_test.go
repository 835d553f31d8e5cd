package uhid_test

import (
	"fmt"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/uhid"
)

// A key that echoes reports, for every program on the machine. It takes root
// and the kernel module uhid.
func ExampleCreate() {
	dev, err := uhid.Create(&uhid.Options{Name: "Echo"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dev.Close()
	p := make([]byte, ctaphid.MaxReportSize)
	for {
		n, err := dev.ReadReport(p)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := dev.WriteReport(p[:n]); err != nil {
			fmt.Println(err)
			return
		}
	}
}
