//go:build linux

// Package gadget makes USB HID devices whose other end is this program: the
// kernel's simulated USB controller (dummy_hcd) plugs a gadget, described
// through configfs, into the same machine. To the host side it is a USB key
// like any other, with real flow control, enumeration and unplugging.
//
// It is for programs that run in package vm's virtual machine with
// vm.ModulesGadget. See Documentation/usb/gadget_configfs.rst and
// gadget_hid.rst of the kernel.
package gadget

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Config describes a device. The zero value of a field is the default.
type Config struct {
	Serial       string // the serial number, 0001; it names the gadget, so two at once need two
	Manufacturer string // gofido
	Product      string // Test Key
	VendorID     uint16 // 0x1209 (pid.codes)
	ProductID    uint16 // 0xf1d0
	ReportLength int    // bytes of the longest report, 64
}

// Gadget is a plugged-in or unplugged device. Its methods may be called
// concurrently.
type Gadget struct {
	dir string // in configfs

	mu   sync.Mutex
	node *os.File // nil while unplugged
}

const (
	configfs    = "/sys/kernel/config/usb_gadget"
	controllers = "/sys/class/udc"
	function    = "functions/hid.0"
)

// Create makes a device with the HID report descriptor and plugs it in. The
// host side needs some ten milliseconds to see it: see package hidnode.
// The second device at once needs the module dummy_hcd with "num=2".
func Create(descriptor []byte, c Config) (g *Gadget, err error) {
	c = c.withDefaults()
	g = &Gadget{dir: filepath.Join(configfs, c.Serial)}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, fmt.Errorf("gadget: %w (are the modules dummy_hcd and usb_f_hid loaded, and is the serial number new?)", err)
	}
	defer func() {
		if err != nil {
			g.remove()
		}
	}()
	if err := g.describe(descriptor, c); err != nil {
		return nil, fmt.Errorf("gadget: %w", err)
	}
	if err := g.Replug(); err != nil {
		return nil, err
	}
	return g, nil
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.Serial, "0001"},
		{&c.Manufacturer, "gofido"},
		{&c.Product, "Test Key"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if c.VendorID == 0 {
		c.VendorID = 0x1209
	}
	if c.ProductID == 0 {
		c.ProductID = 0xf1d0
	}
	if c.ReportLength == 0 {
		c.ReportLength = 64
	}
	return c
}

// describe fills the gadget's folder in configfs, in which folders are objects
// and files their attributes.
func (g *Gadget) describe(descriptor []byte, c Config) error {
	for _, dir := range []string{"strings/0x409", "configs/c.1", function} {
		if err := os.Mkdir(filepath.Join(g.dir, dir), 0o755); err != nil {
			return err
		}
	}
	for _, a := range []struct{ file, value string }{
		{"bcdUSB", "0x0200"},
		{"idVendor", fmt.Sprintf("%#04x", c.VendorID)},
		{"idProduct", fmt.Sprintf("%#04x", c.ProductID)},
		{"strings/0x409/manufacturer", c.Manufacturer},
		{"strings/0x409/product", c.Product},
		{"strings/0x409/serialnumber", c.Serial},
		{function + "/protocol", "0"},
		{function + "/subclass", "0"},
		{function + "/report_length", strconv.Itoa(c.ReportLength)},
		{function + "/report_desc", string(descriptor)},
	} {
		if err := os.WriteFile(filepath.Join(g.dir, a.file), []byte(a.value), 0); err != nil {
			return err
		}
	}
	return os.Symlink(filepath.Join(g.dir, function), filepath.Join(g.dir, "configs/c.1", filepath.Base(function)))
}

// remove undoes describe, which configfs wants in the reverse order.
func (g *Gadget) remove() error {
	errs := []error{os.Remove(filepath.Join(g.dir, "configs/c.1", filepath.Base(function)))}
	for _, dir := range []string{"configs/c.1", function, "strings/0x409", "."} {
		errs = append(errs, unix.Rmdir(filepath.Join(g.dir, dir)))
	}
	return errors.Join(errs...)
}

// Replug plugs an unplugged device in again, into any free controller.
func (g *Gadget) Replug() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.node != nil {
		return errors.New("gadget: plugged in already")
	}
	if err := g.bind(); err != nil {
		return fmt.Errorf("gadget: %w", err)
	}
	node, err := g.open()
	if err != nil {
		return errors.Join(fmt.Errorf("gadget: %w", err), g.unbind())
	}
	g.node = node
	return nil
}

func (g *Gadget) bind() error {
	all, err := os.ReadDir(controllers)
	if err != nil {
		return err
	}
	for _, c := range all {
		err := os.WriteFile(filepath.Join(g.dir, "UDC"), []byte(c.Name()), 0)
		if errors.Is(err, unix.EBUSY) {
			continue
		}
		return err
	}
	return fmt.Errorf("no free USB device controller among %d (dummy_hcd num=N makes N)", len(all))
}

func (g *Gadget) unbind() error {
	return os.WriteFile(filepath.Join(g.dir, "UDC"), []byte("\n"), 0)
}

// open opens the device side, which is /dev/hidgN where N is the minor number
// that the function got.
func (g *Gadget) open() (*os.File, error) {
	number, err := os.ReadFile(filepath.Join(g.dir, function, "dev"))
	if err != nil {
		return nil, err
	}
	_, minor, _ := strings.Cut(strings.TrimSpace(string(number)), ":")
	name := "/dev/hidg" + minor
	// Without O_NONBLOCK the runtime's poller, and so Close and deadlines,
	// would not end a Read.
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Device returns the device side of the reports: a Read is one output report
// of the host, a Write one input report. Deadlines work. It is closed by
// [Gadget.Unplug], and [Gadget.Replug] makes another. It is nil while the device is
// unplugged.
func (g *Gadget) Device() *os.File {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.node
}

// Unplug takes the device off the bus, as if a person pulled it out, and closes
// the device side.
func (g *Gadget) Unplug() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.node == nil {
		return errors.New("gadget: not plugged in")
	}
	err := g.unbind()
	// A reader on the device side would wait for ever.
	err = errors.Join(err, g.node.SetDeadline(time.Unix(1, 0)), g.node.Close())
	g.node = nil
	if err != nil {
		return fmt.Errorf("gadget: unplug: %w", err)
	}
	return nil
}

// Close unplugs the device, if need be, and removes it.
func (g *Gadget) Close() error {
	var err error
	if g.Device() != nil {
		err = g.Unplug()
	}
	return errors.Join(err, g.remove())
}
