/**
 * Runs the command after it in a network namespace of its own with a loopback: an engine beside the machine's own one would delete that
 * one's docker0. Needs root.
 */
export const apart = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'apart']
