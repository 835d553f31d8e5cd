package hidraw

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid/hid"
)

// A fakeSystem is a sysfs in a folder.
type fakeSystem struct {
	system
	t      testing.TB
	denied map[string]error // by path of the node
}

func newFakeSystem(t testing.TB) *fakeSystem {
	f := &fakeSystem{t: t, denied: map[string]error{}}
	f.system = system{sysfs: t.TempDir(), dev: "/dev", access: func(path string) error { return f.denied[path] }}
	f.mkdir("class/hidraw")
	return f
}

func (f *fakeSystem) mkdir(path string) string {
	f.t.Helper()
	path = filepath.Join(f.sysfs, path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f *fakeSystem) write(path, content string) {
	f.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// A fakeKey is one device: folder is that of the HID device below /sys/devices.
type fakeKey struct {
	node, folder, uevent string
	descriptor           []byte
	usb                  map[string]string // attributes of the USB device, two folders up
}

func (f *fakeSystem) plug(k fakeKey) {
	f.t.Helper()
	device := f.mkdir("devices/" + k.folder)
	f.write(device+"/report_descriptor", string(k.descriptor))
	f.write(device+"/uevent", k.uevent)
	class := f.mkdir("devices/" + k.folder + "/hidraw/" + k.node)
	if err := errors.Join(os.Symlink("../../../"+filepath.Base(k.folder), class+"/device"),
		os.Symlink("../../devices/"+k.folder+"/hidraw/"+k.node, filepath.Join(f.sysfs, "class/hidraw", k.node))); err != nil {
		f.t.Fatal(err)
	}
	for name, value := range k.usb {
		f.write(filepath.Join(device, "../..", name), value+"\n")
	}
}

func (f *fakeSystem) unplug(node string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.sysfs, "class/hidraw", node)); err != nil {
		f.t.Fatal(err)
	}
}

func usbKey(node string) fakeKey {
	return fakeKey{
		node:   node,
		folder: "pci0000:00/usb1/1-" + node + "/1-" + node + ":1.0/0003:1209:0001.000" + node[6:],
		uevent: "DRIVER=hid-generic\nHID_ID=0003:00001209:00000001\nHID_NAME=Example Inc. Example Key\n" +
			"HID_PHYS=usb-0000:00:14.0-2/input0\nHID_UNIQ=0042\nMODALIAS=hid:b0003g0001v00001209p00000001\n",
		descriptor: hid.AppendDescriptor(nil, 64, 64),
		usb:        map[string]string{"manufacturer": "Example Inc.", "product": "Example Key", "serial": "0042", "busnum": "1", "devnum": "1" + node[6:]},
	}
}

func TestList(t *testing.T) {
	f := newFakeSystem(t)
	f.plug(usbKey("hidraw10"))
	keyboard := usbKey("hidraw0")
	keyboard.descriptor = []byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0}
	f.plug(keyboard)
	f.plug(fakeKey{ // made by uhid: claims USB, but no USB device is above it
		node: "hidraw3", folder: "virtual/misc/uhid/0003:1209:0001.0003", descriptor: hid.AppendDescriptor(nil, 62, 32),
		uevent: "HID_ID=0003:00001209:00000001\nHID_NAME=Software Key\nHID_PHYS=\nHID_UNIQ=\n",
	})
	f.plug(fakeKey{
		node: "hidraw2", folder: "virtual/misc/uhid/0005:0000:FFFF.0002", descriptor: hid.AppendDescriptor(nil, 64, 64),
		uevent: "HID_ID=0005:00000000:0000FFFF\nHID_NAME=Evil\x1b[2J\nHID_ID=0003:00001050:00000407\nHID_NAME=Nice\nHID_PHYS=00:11:22\n",
	})
	broken := usbKey("hidraw4")
	broken.descriptor = []byte{0x06, 0xd0}
	f.plug(broken)
	f.plug(usbKey("hidraw5"))
	f.unplug("hidraw5")
	os.Symlink("nowhere", filepath.Join(f.sysfs, "class/hidraw/hidraw6")) // goes away while it is listed
	f.mkdir("class/hidraw/other")
	f.denied["/dev/hidraw10"] = unix.EACCES

	got, err := f.list()
	if err != nil {
		t.Fatal(err)
	}
	want := []hid.Info{
		{Path: "/dev/hidraw2", Bus: hid.BusBluetooth, ProductID: 0xffff, Product: "Evil\ufffd[2J", PhysicalPath: "00:11:22", ReportIn: 64, ReportOut: 64},
		{Path: "/dev/hidraw3", Bus: hid.BusUSB, VendorID: 0x1209, ProductID: 1, Product: "Software Key", ReportIn: 62, ReportOut: 32},
		{Path: "/dev/hidraw10", Bus: hid.BusUSB, VendorID: 0x1209, ProductID: 1, Manufacturer: "Example Inc.", Product: "Example Key", Serial: "0042",
			PhysicalPath: "usb-0000:00:14.0-2/input0", USBBus: 1, USBDevice: 110, ReportIn: 64, ReportOut: 64},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d keys: %v", len(got), got)
	}
	for i := range want {
		access := got[i].Access
		got[i].Access = nil
		if got[i] != want[i] {
			t.Errorf("got  %#v\nwant %#v", got[i], want[i])
		}
		e, denied := errors.AsType[*hid.AccessError](access)
		if denied != (want[i].Path == "/dev/hidraw10") {
			t.Errorf("%s: access %v", want[i].Path, access)
		}
		if denied && (!errors.Is(e, fs.ErrPermission) || !strings.Contains(e.Advice, "udev rule")) {
			t.Errorf("%s: %v", want[i].Path, access)
		}
	}
}

// The address of a USB device is known as a whole or not at all.
func TestListUSBAddress(t *testing.T) {
	for _, c := range []struct {
		name, bus, device string
		wantBus, want     int
	}{
		{"both", "3", "17", 3, 17},
		{"no device", "3", "", 0, 0},
		{"no bus", "", "17", 0, 0},
		{"nonsense", "3", "-17", 0, 0},
		{"too large", "3", "70000", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeSystem(t)
			k := usbKey("hidraw1")
			k.usb["busnum"], k.usb["devnum"] = c.bus, c.device
			f.plug(k)
			keys, err := f.list()
			if err != nil || len(keys) != 1 || keys[0].USBBus != c.wantBus || keys[0].USBDevice != c.want {
				t.Errorf("%+v, %v", keys, err)
			}
		})
	}
}

func TestListNothing(t *testing.T) {
	f := newFakeSystem(t)
	if keys, err := f.list(); len(keys) != 0 || err != nil {
		t.Errorf("no device: %v, %v", keys, err)
	}
	os.Remove(filepath.Join(f.sysfs, "class/hidraw"))
	if keys, err := f.list(); len(keys) != 0 || err != nil {
		t.Errorf("no class: %v, %v", keys, err)
	}
	os.Remove(filepath.Join(f.sysfs, "class"))
	if _, err := f.list(); err == nil || !strings.Contains(err.Error(), "is sysfs mounted") {
		t.Errorf("no sysfs: %v", err)
	}
}

func TestIsNode(t *testing.T) {
	for name, want := range map[string]bool{
		"hidraw0": true, "hidraw63": true, "hidraw": false, "hidraw-1": false, "hidraw+1": false, "hidraw99999": false,
		"hidraw0/..": false, "../hidraw0": false, "": false, "hidg0": false,
	} {
		if got := isNode(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
