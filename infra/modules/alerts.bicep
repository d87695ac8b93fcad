// The alerting rules of docs/alerts.yaml as Azure's, and who is told. One group for each severity, since
// there are more rules than one group takes.

@description('Base of the names.')
param name string

@description('Region of the workspace.')
param location string

@description('Tags.')
param tags object

@description('The workspace that has the metrics.')
param workspaceId string

@description('E-mail addresses that are told.')
param emails array

@description('Resource ids of further action groups that are told.')
param actionGroupIds array

// How docs/operations.md calls them, and Azure: 1 is an error, 2 a warning.
var severities = {
  page: 1
  ticket: 2
}
var rules = any(loadYamlContent('../../docs/alerts.yaml')).groups[0].rules
var azureRules = map(rules, rule => union({
  alert: rule.alert
  expression: rule.expr
  enabled: true
  severity: severities[rule.labels.severity]
  labels: rule.labels
  annotations: union(rule.annotations, {
    runbook: 'docs/operations.md#${toLower(rule.alert)}'
  })
  resolveConfiguration: {
    autoResolved: true
    timeToResolve: 'PT10M'
  }
  actions: map(concat([
    mail.id
  ], actionGroupIds), id => {
    actionGroupId: id
  })
}, contains(rule, 'for') ? {
  for: 'PT${toUpper(rule.for)}' // 5m there, PT5M here
} : {}))

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: take(name, 12)
    emailReceivers: [for (address, i) in emails: {
      name: 'mail-${i}'
      emailAddress: address
      useCommonAlertSchema: true
    }]
  }
}

resource pages 'Microsoft.AlertsManagement/prometheusRuleGroups@2023-03-01' = {
  name: 'rules-${name}-page'
  location: location
  tags: tags
  properties: {
    description: 'Requests may be waiting unseen. docs/operations.md says what to do about each.'
    enabled: true
    interval: 'PT1M'
    scopes: [
      workspaceId
    ]
    rules: filter(azureRules, rule => rule.labels.severity == 'page')
  }
}

resource tickets 'Microsoft.AlertsManagement/prometheusRuleGroups@2023-03-01' = {
  name: 'rules-${name}-ticket'
  location: location
  tags: tags
  properties: {
    description: 'Can wait for the morning. docs/operations.md says what to do about each.'
    enabled: true
    interval: 'PT1M'
    scopes: [
      workspaceId
    ]
    rules: filter(azureRules, rule => rule.labels.severity == 'ticket')
  }
}
