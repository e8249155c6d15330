@echo off
setlocal
rem SPDX-License-Identifier: Apache-2.0
rem Runs ESLM on Windows: eslm.ps1 beside this file does the work, in PowerShell 5.1 or newer.
where /q pwsh && (set "eslm_shell=pwsh") || (set "eslm_shell=powershell")
%eslm_shell% -NoLogo -NoProfile -ExecutionPolicy Bypass -File "%~dp0eslm.ps1" %*
exit /b %errorlevel%
