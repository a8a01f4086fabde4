// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { busFaults } from './faults/bus.ts'
import { bringAbout } from './suite.ts'

bringAbout(busFaults)
