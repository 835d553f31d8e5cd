package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/gofido/fido"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the security keys that are plugged in",
		Long: `List the security keys that are plugged in, those included that this program may
not open, with the reason.`,
		RunE: func(*cobra.Command, []string) error { return a.list(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// listedKey is the JSON form of a key.
type listedKey struct {
	Device       string `json:"device"`
	Product      string `json:"product"`
	Manufacturer string `json:"manufacturer"`
	Serial       string `json:"serial"`
	VendorID     uint16 `json:"vendorId"`
	ProductID    uint16 `json:"productId"`
	Bus          string `json:"bus"`
	Usable       bool   `json:"usable"`
	Problem      string `json:"problem,omitempty"`
}

func (a *app) list(asJSON bool) error {
	infos, err := fido.List()
	if err != nil {
		return err
	}
	keys := make([]listedKey, len(infos)) // [] rather than null when there is none
	for i, k := range infos {
		keys[i] = listedKey{
			Device: k.Path, Product: k.Product, Manufacturer: k.Manufacturer, Serial: k.Serial,
			VendorID: k.VendorID, ProductID: k.ProductID, Bus: k.Bus.String(), Usable: k.Access == nil,
		}
		if k.Access != nil {
			keys[i].Problem = k.Access.Error()
		}
	}
	if asJSON {
		return a.printJSON(keys)
	}
	if len(keys) == 0 {
		fmt.Fprintln(a.out, "No security key is plugged in. The software key is always there: --device virtual.")
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%04x:%04x\t%s\n", k.Device, k.Product, k.VendorID, k.ProductID, k.Serial)
	}
	w.Flush()
	for _, k := range keys {
		if !k.Usable {
			fmt.Fprintln(a.out, a.paint(a.out, red, k.Problem))
		}
	}
	return nil
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
