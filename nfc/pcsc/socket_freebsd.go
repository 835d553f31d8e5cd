package pcsc

const defaultSocket = "/var/run/pcscd/pcscd.comm"
