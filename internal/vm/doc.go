// Package vm runs a program inside a virtual machine that has what the host
// may not have: Debian's own kernel with uhid, hidraw, usbhid and a USB device
// controller. QEMU emulates the processor in software, so neither KVM nor any
// privilege is needed.
//
//	kernel, err := vm.Prepare(ctx)             // Debian's kernel, from the cache after the first time
//	binary, err := vm.BuildTest(ctx, dir, "github.com/gofido/fido/internal/systemtest/guest/hid", "guest")
//	root := vm.NewRoot()
//	root.AddFile(binary, "/bin/guest.test")
//	machine := &vm.Machine{Kernel: kernel, Root: root, Modules: vm.ModulesUHID}
//	result, err := machine.Run(ctx, "/bin/guest.test", "-test.v")
//
// A [Machine] is an initramfs, written by this package, and a kernel. Its
// process 1 is the program in internal/vm/init, which mounts the pseudo file
// systems, loads the modules, runs the one program, and leaves QEMU with that
// program's exit status through the isa-debug-exit device. There is no disk, no
// network but the loopback, and no state that outlives a run.
//
// The program's output travels over a serial line of its own, byte for byte;
// the kernel's messages have another, and are shown when something goes wrong.
//
// What it needs on the host: Linux on amd64, Debian (or a relative with
// apt-get, dpkg-deb and a linux-image-amd64 package), and the packages
// qemu-system-x86 and xz-utils. The packages internal/vm/gadget and
// internal/vm/hidnode are for the programs inside.
package vm
