package pcsc

const defaultSocket = "/run/pcscd/pcscd.comm"
