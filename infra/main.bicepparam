// An example: copy it, and fill it in as docs/setup.md goes along.
using 'main.bicep'

param image = 'contosoregistry.azurecr.io/secondkey:0.1.0'
param registryName = 'contosoregistry'
param registryResourceGroup = 'rg-shared'

// First deployment: false, and the channels stay empty.
param runBot = false
param approverChannel = ''
param opsChannel = ''

// Who gets the alerts: those who also read the ops channel.
param alertEmails = [
  'second-key-ops@contoso.example'
]

param breakGlassObjectIds = [
  '00000000-0000-0000-0000-000000000001'
  '00000000-0000-0000-0000-000000000002'
]

param databaseAdministratorObjectId = '00000000-0000-0000-0000-000000000003'
param databaseAdministratorName = 'Second Key database administrators'
