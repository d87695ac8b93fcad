// Where the container runs. Its logs go to Azure Monitor by a diagnostic setting, so that no workspace key
// is needed.

@description('Name.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Subnet; empty without private networking.')
param subnetId string

@description('Over availability zones.')
param zoneRedundant bool

@description('Log Analytics workspace.')
param workspaceId string

resource environment_ 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
    vnetConfiguration: empty(subnetId) ? null : {
      infrastructureSubnetId: subnetId
      internal: false // Teams and Graph call from outside
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    zoneRedundant: zoneRedundant
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment_
  name: 'to-log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output id string = environment_.id
output defaultDomain string = environment_.properties.defaultDomain
