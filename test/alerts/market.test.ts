// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { marketFaults } from './faults/market.ts'
import { bringAbout } from './suite.ts'

bringAbout(marketFaults)
