//go:build cgo && (darwin || windows || freebsd || (linux && hidapi))

package hidapi

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	gohid "github.com/sstallion/go-hid"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// library is the turn to use what HIDAPI has but once: its device manager and
// the text of the last error. The C library's state is global, and so is this.
var library = make(chan struct{}, 1)

// begin takes the turn. HIDAPI starts when it is first used; it is not ended
// before the program is.
func begin(ctx context.Context) error {
	select {
	case library <- struct{}{}:
	case <-ctx.Done():
		return ctaphid.ContextError(ctx)
	}
	if err := gohid.Init(); err != nil {
		end()
		return err
	}
	return nil
}

func end() { <-library }

// List returns the FIDO keys that the system shows, in the order of their
// paths. No keys is not an error. It looks at every HID device and may take
// a second on some systems.
func List() ([]hid.Info, error) {
	if err := begin(context.Background()); err != nil {
		return nil, err
	}
	defer end()
	var keys []hid.Info
	err := gohid.Enumerate(gohid.VendorIDAny, gohid.ProductIDAny, func(d *gohid.DeviceInfo) error {
		if uint32(d.UsagePage)<<16|uint32(d.Usage) != hid.FIDOUsage {
			return nil
		}
		info := hid.Info{
			Path:         d.Path,
			Bus:          busOf(d.BusType),
			VendorID:     d.VendorID,
			ProductID:    d.ProductID,
			Manufacturer: hid.Text(d.MfrStr),
			Product:      hid.Text(d.ProductStr),
			Serial:       hid.Text(d.SerialNbr),
		}
		if err := mayOpen(d.Path); errors.Is(err, os.ErrPermission) {
			info.Access = hid.NewAccessError(d.Path, err)
		}
		keys = append(keys, info)
		return nil
	})
	if err != nil {
		return nil, err
	}
	keys = appendDenied(keys)
	slices.SortFunc(keys, func(a, b hid.Info) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(keys, func(a, b hid.Info) bool { return a.Path == b.Path }), nil
}

func busOf(b gohid.BusType) hid.Bus {
	switch b {
	case gohid.BusUSB:
		return hid.BusUSB
	case gohid.BusBluetooth:
		return hid.BusBluetooth
	case gohid.BusI2C:
		return hid.BusI2C
	case gohid.BusSPI:
		return hid.BusSPI
	}
	return hid.BusUnknown
}

// Open opens the key at a path as [List] gives it. ctx ends the wait for other
// calls of List and Open.
//
// The error is a [*hid.AccessError], which tells what to do, or an *os.PathError
// around [hid.ErrNotFIDO], a [*hid.SizeError], fs.ErrNotExist or HIDAPI's text. If
// the system does not tell the report descriptor, the key is taken to have
// reports of 64 bytes, as nearly all have.
func Open(ctx context.Context, path string) (*Device, error) {
	if strings.ContainsRune(path, 0) {
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrInvalid}
	}
	if err := begin(ctx); err != nil {
		return nil, hid.NewOpenError(path, err)
	}
	defer end()
	shareDevices()
	dev, err := gohid.OpenPath(path)
	if err != nil {
		switch cause := mayOpen(path); {
		case errors.Is(cause, os.ErrPermission):
			return nil, hid.NewAccessError(path, cause)
		case errors.Is(cause, os.ErrNotExist):
			err = cause
		default:
			err = errors.New(cmp.Or(hid.Text(err.Error()), "the system gives no reason"))
		}
		return nil, hid.NewOpenError(path, err)
	}
	desc, err := describe(dev)
	if err != nil {
		dev.Close()
		return nil, hid.NewOpenError(path, err)
	}
	d := newDevice(&device{dev, path}, desc)
	if info, err := dev.GetDeviceInfo(); err == nil {
		d.vendor, d.product = info.VendorID, info.ProductID
	}
	return d, nil
}

func describe(dev *gohid.Device) (hid.Descriptor, error) {
	raw := make([]byte, hid.MaxDescriptorSize)
	n, err := dev.GetReportDescriptor(raw)
	if err != nil || n <= 0 {
		return hid.Descriptor{FIDO: true, In: 64, Out: 64}, nil
	}
	desc, err := hid.ParseDescriptor(raw[:n])
	if err != nil {
		return desc, err
	}
	return desc, desc.Check()
}

// device is the handle of HIDAPI.
type device struct {
	*gohid.Device
	path string
}

func (d *device) read(p []byte, timeout time.Duration) (int, error) {
	n, err := d.ReadWithTimeout(p, timeout)
	if errors.Is(err, gohid.ErrTimeout) {
		return 0, nil
	}
	return n, err
}

func (d *device) write(p []byte) error {
	_, err := d.Write(p)
	return err
}

func (d *device) close() {
	library <- struct{}{}
	defer end()
	d.Close()
}

func (d *device) present() bool {
	library <- struct{}{}
	defer end()
	found := false
	gohid.Enumerate(gohid.VendorIDAny, gohid.ProductIDAny, func(i *gohid.DeviceInfo) error {
		found = found || strings.EqualFold(i.Path, d.path)
		return nil
	})
	return found
}
