// An image that ends as soon as it starts, to see a rollback with.
console.error('this image is broken on purpose')
process.exit(1)
