import { statfs } from 'node:fs/promises'
import { Gauge, type Registry } from 'prom-client'

/** Room on the file system of the feed's directory, looked up at each scrape. */
export function addDiskMetrics(registry: Registry, directory: string): void {
  // Each looks for itself: all are collected at once, and the one would be read before the other had set it.
  new Gauge({
    name: 'md_disk_size_bytes',
    help: "Size of the file system of the feed's directory.",
    registers: [registry],
    async collect() {
      const { bsize, blocks } = await statfs(directory)
      this.set(blocks * bsize)
    },
  })
  new Gauge({
    name: 'md_disk_available_bytes',
    help: 'Room that the feed may use on the file system of its directory.',
    registers: [registry],
    async collect() {
      const { bsize, bavail } = await statfs(directory)
      this.set(bavail * bsize)
    },
  })
}
