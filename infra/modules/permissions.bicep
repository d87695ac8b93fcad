// The Graph permissions that the bot asks for, and their ids, read from this tenant's Microsoft Graph
// rather than copied. The two lists are those of bot/graph/permissions.py: `make docs` writes them.
extension microsoftGraphV1

// generated: permissions
var application = [
  'GroupMember.Read.All'
  'PrivilegedAccess.Read.AzureADGroup'
  'PrivilegedAssignmentSchedule.Read.AzureADGroup'
  'PrivilegedEligibilitySchedule.Read.AzureADGroup'
  'RoleAssignmentSchedule.Remove.Directory'
  'RoleManagement.Read.Directory'
  'RoleManagementPolicy.Read.AzureADGroup'
  'RoleManagementPolicy.Read.Directory'
  'User.Read.All'
]

var delegated = [
  'PrivilegedAccess.ReadWrite.AzureAD'
  'PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'
  'PrivilegedEligibilitySchedule.Read.AzureADGroup'
  'RoleAssignmentSchedule.ReadWrite.Directory'
  'RoleEligibilitySchedule.Read.Directory'
]
// /generated

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

// A name that this tenant's Graph does not know stops the deployment here.
@description('App roles, as requiredResourceAccess wants them.')
output roles array = [for permission in application: {
  id: filter(graph.appRoles, role => role.value == permission)[0].id
  type: 'Role'
}]

@description('Delegated scopes, as requiredResourceAccess wants them.')
output scopes array = [for permission in delegated: {
  id: filter(graph.oauth2PermissionScopes, scope => scope.value == permission)[0].id
  type: 'Scope'
}]

@description('Names of the delegated scopes.')
output delegated array = delegated
