// Admin consent as resources. Whoever deploys this has to be able to consent: Privileged Role
// Administrator. In many houses that is somebody else, who follows the link instead.
extension microsoftGraphV1

@description('Object id of the bot\'s service principal.')
param servicePrincipalId string

@description('Ids of the app roles.')
param roleIds array

@description('Names of the delegated scopes.')
param delegated array

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource roles 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for roleId in roleIds: {
  appRoleId: roleId
  principalId: servicePrincipalId
  resourceId: graph.id
}]

resource scopes 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = {
  clientId: servicePrincipalId
  consentType: 'AllPrincipals'
  resourceId: graph.id
  scope: join(delegated, ' ')
}
