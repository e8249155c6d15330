# SPDX-License-Identifier: Apache-2.0
#
# Runs ESLM on Windows; bin/eslm.cmd calls it. It does what bin/eslm does, and says there what the commands and variables mean.
# What it leaves out: TornadoVM, which is for Linux; locks between launchers that build at one time; and hiding the JVM's warning
# about its incubating Vector API, because PowerShell would take the program's terminal to read its errors.
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
$arguments = @($args)
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false

function Fail([string] $why) {
    [Console]::Error.WriteLine("eslm: $why")
    exit 1
}

# ---- a JDK 25, by its release file

function Test-25([string] $folder) {
    $folder -and (Test-Path (Join-Path $folder 'bin/java.exe')) -and (Test-Path (Join-Path $folder 'release')) -and
        ((Get-Content -Raw (Join-Path $folder 'release')) -match 'JAVA_VERSION="25[".+-]')
}

function Find-Jdk {
    if ($env:ESLM_JAVA_HOME) {
        if (-not (Test-25 $env:ESLM_JAVA_HOME)) { Fail "ESLM_JAVA_HOME is $env:ESLM_JAVA_HOME, which is not a JDK 25" }
        return $env:ESLM_JAVA_HOME
    }
    $onPath = Get-Command java.exe -ErrorAction SilentlyContinue | Select-Object -First 1
    $folders = @($env:JAVA_HOME)
    if ($onPath) { $folders += Split-Path -Parent (Split-Path -Parent $onPath.Source) }
    foreach ($vendor in 'Eclipse Adoptium', 'Java', 'Microsoft', 'Zulu', 'BellSoft', 'Amazon Corretto') {
        $folders += @(Get-ChildItem -Directory -ErrorAction SilentlyContinue (Join-Path "$env:ProgramFiles" $vendor) |
                ForEach-Object FullName)
    }
    $folders += @(Get-ChildItem -Directory -ErrorAction SilentlyContinue (Join-Path $HOME '.jdks') | ForEach-Object FullName)
    $best = $null
    $bestWorth = -1
    foreach ($folder in $folders) {
        if (-not (Test-25 $folder)) { continue }
        $worth = 0
        if (Test-Path (Join-Path $folder 'bin/javac.exe')) {
            $worth = 1 # can build
            if (Test-Path (Join-Path $folder 'lib/src.zip')) { $worth = 2 } # and has the JDK's own sources, the default data
        }
        if ($worth -gt $bestWorth) {
            $best = $folder
            $bestWorth = $worth
        }
    }
    if (-not $best) { Fail (Get-Content -Raw (Join-Path $PSScriptRoot 'no-jdk.txt')).TrimEnd() }
    $best
}

# ---- the build, in folders of its own

$state = Join-Path $root 'target/eslm'
$current = Join-Path $state 'current' # names the folder of the newest build; its time is when that build began

function Test-Stale {
    if (-not (Test-Path $current)) { return $true }
    $built = (Get-Item $current).LastWriteTimeUtc
    $sources = @(Get-Item (Join-Path $root 'pom.xml')) + @(Get-ChildItem (Join-Path $root '*/pom.xml')) +
        @(Get-ChildItem -Recurse (Join-Path $root '*/src/main'))
    [bool] ($sources | Where-Object { $_.LastWriteTimeUtc -gt $built } | Select-Object -First 1)
}

function Invoke-Build([string] $jdk) {
    if (-not (Get-Command mvn -ErrorAction SilentlyContinue)) {
        Fail "needs Maven 3.8 or newer to build, and finds no 'mvn'. Install it from https://maven.apache.org"
    }
    if (-not (Test-Path (Join-Path $jdk 'bin/javac.exe'))) { Fail "needs a JDK 25 to build; $jdk only runs programs" }
    [Console]::Error.WriteLine('building (first use takes a minute) …')
    New-Item -ItemType Directory -Force $state | Out-Null
    $began = [DateTime]::UtcNow
    $log = Join-Path $state 'build.log'
    Remove-Item -Recurse -Force -ErrorAction SilentlyContinue (Join-Path $root 'bench/target/app/lib')
    $before = $env:JAVA_HOME
    $env:JAVA_HOME = $jdk
    Push-Location $root
    & cmd.exe /c "mvn -q -Dquick -Dbuild.dir=target/app -Dmaven.test.skip=true package >`"$log`" 2>&1"
    $code = $LASTEXITCODE
    Pop-Location
    $env:JAVA_HOME = $before
    if ($code -ne 0) {
        Get-Content -Tail 40 $log | ForEach-Object { [Console]::Error.WriteLine($_) }
        Fail "the build failed; its whole output is in $log"
    }
    $name = "app.$PID"
    $app = Join-Path $state $name
    New-Item -ItemType Directory -Force $app | Out-Null
    Copy-Item (Join-Path $root 'bench/target/app/*.jar'), (Join-Path $root 'bench/target/app/lib/*.jar') $app
    Set-Content -NoNewline -Encoding ascii $current $name
    (Get-Item $current).LastWriteTimeUtc = $began
    # Windows keeps the jars of running programs: those builds stay until a later one.
    Get-ChildItem -Directory (Join-Path $state 'app.*') | Where-Object Name -ne $name |
        Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
}

# ---- run

$main = 'io.eslm.cli.Main'
$command = if ($arguments.Count) { [string] $arguments[0] } else { '' }
$rest = @($arguments | Select-Object -Skip 1)
# Help takes no vectors and few classes: such a start has flags and a cache of its own.
$words = "$($arguments.Count):${command}:" + $(if ($rest.Count) { [string] $rest[0] })
$isHelp = ($command -cnotin 'bench', 'run') -and
    ($words -cmatch '^(0::|1:(-h|--help|-V|--version|help):|2:help:.*|2:.*:(-h|--help))$')
$kind = if ($isHelp) { 'aot-help' } else { 'aot' }
$flags = @('@' + (Join-Path $PSScriptRoot $(if ($isHelp) { 'jvm-flags-help' } else { 'jvm-flags' })))
$installed = Test-Path (Join-Path $root 'runtime/bin/java.exe')
$jdk = if ($installed) { Join-Path $root 'runtime' } else { Find-Jdk }
switch -CaseSensitive ($command) {
    'jdk' {
        $jdk
        exit 0
    }
    'bench' {
        if ($installed) { Fail 'bench: is not part of an installed ESLM; run bin/eslm bench in a clone of its sources' }
        $main = 'io.eslm.bench.Main'
        $flags += '--sun-misc-unsafe-memory-access=allow' # JMH measures objects with it
        $arguments = $rest
    }
    'run' {
        if (-not $rest.Count) {
            Fail 'run: which file? bin/eslm run FILE.java [ARG…] runs a Java source file with ESLM on its class path'
        }
        $main = [string] $rest[0]
        if ($main -notlike '*.java') { Fail "run: $main is not a Java source file: its name must end in .java" }
        if (-not (Test-Path -PathType Leaf $main)) { Fail "run: there is no file $main" }
        $arguments = @($rest | Select-Object -Skip 1)
    }
}

if ("$arguments " -cmatch '(^| )--spark[ =]') {
    Fail '--spark: a local cluster of Spark needs Linux or macOS. Run spark-submit with eslm-spark.jar: docs/scale.md'
}

if ($installed) {
    $app = Join-Path $root 'lib'
    $flags += '-Deslm.program=eslm'
} else {
    if (Test-Stale) { Invoke-Build $jdk }
    $app = Join-Path $state (Get-Content -Raw $current).Trim()
}
$java = Join-Path $jdk 'bin/java.exe'
$jars = @(Get-ChildItem (Join-Path $app '*.jar') | Sort-Object Name | ForEach-Object FullName) -join ';'

# The JVM's caches make it start faster. Each holds only for this JDK and for jars at these paths.
$cache = Join-Path $app $kind
if (-not ($installed -and (Test-Path $cache))) {
    if ($installed) {
        $folder = Join-Path $env:LOCALAPPDATA 'eslm'
        New-Item -ItemType Directory -Force $folder | Out-Null
        $cache = Join-Path $folder ($kind + ($root -replace '[\\/:]', '-'))
    }
    $key = ($app, $jdk, (Get-Content -Raw (Join-Path $jdk 'release'))) -join "`n"
    if (-not ((Test-Path $cache) -and (Test-Path "$cache.key") -and ((Get-Content -Raw "$cache.key") -ceq $key))) {
        & cmd.exe /c "`"`"$java`" $($flags | ForEach-Object { "`"$_`"" }) `"-XX:AOTCacheOutput=$cache`" -cp `"$jars`" io.eslm.cli.Main train --help >`"$cache.log`" 2>&1`""
        if ($LASTEXITCODE -eq 0) { Set-Content -NoNewline "$cache.key" $key }
    }
}
if ((Test-Path $cache) -and $command -notin 'bench', 'run') { $flags += "-XX:AOTCache=$cache" }

if ($env:ESLM_CLASSPATH) { $jars += ';' + $env:ESLM_CLASSPATH }
if ($env:ESLM_JVM_OPTS) { $flags += @($env:ESLM_JVM_OPTS -split '\s+' | Where-Object { $_ }) }
if ($PSVersionTable.PSVersion -lt [version] '7.3') { # which passes quotes on as they are: older ones lose them
    $arguments = @($arguments | ForEach-Object { ([string] $_) -replace '(\\*)"', '$1$1\"' })
}
& $java @flags -cp $jars $main @arguments
exit $LASTEXITCODE
