// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { accountsFaults } from './faults/accounts.ts'
import { bringAbout } from './suite.ts'

bringAbout(accountsFaults)
