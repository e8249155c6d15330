// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.sun.net.httpserver.HttpServer;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Where a server listens, and which requests mean it. Every web page that the user has open can send requests to this machine, so
 * a request must name us as its host (a foreign name that was made to point here does not), and come from our own page if it says
 * where it comes from.
 */
public final class SiteName {
    private static final int HTTP = 80;
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    static {
        // Read once by the JDK's server: without the first, small answers wait 40 ms for more to come; the second ends
        // requests that never finish; the third bounds what open connections cost.
        System.getProperties().putIfAbsent("sun.net.httpserver.nodelay", "true");
        System.getProperties().putIfAbsent("sun.net.httpserver.maxReqTime", "30");
        System.getProperties().putIfAbsent("jdk.httpserver.maxConnections", "1024");
    }

    private final HttpServer server;
    private final boolean loopback;
    private final String host;
    private final int port;

    private SiteName(HttpServer server, InetAddress address, String host) {
        this.server = server;
        this.loopback = address.isLoopbackAddress();
        this.host = bracketed(host);
        this.port = server.getAddress().getPort();
    }

    /**
     * Takes the port. The server is not started.
     *
     * @param hostOption an address or a name of this machine; {@code host} is its value
     * @param portOption 0 for a free one; {@code port} is its value
     * @throws OptionError if the host is unknown or the port is taken
     */
    public static SiteName open(Option<String> hostOption, String host, Option<Integer> portOption, int port) {
        InetAddress address;
        try {
            address = InetAddress.getByName(host);
        } catch (UnknownHostException _) {
            throw new OptionError(hostOption, host, "no such host. Give a name or an address of this machine");
        }
        try {
            return new SiteName(HttpServer.create(new InetSocketAddress(address, port), 0), address, host);
        } catch (IOException e) {
            boolean ours = address.isLoopbackAddress() || address.isAnyLocalAddress();
            throw ours ? new OptionError(portOption, port, "cannot be used: " + e.getMessage()
                    + ". Choose another port, or 0 for a free one")
                    : new OptionError(hostOption, host, "cannot serve there on port " + port + ": " + e.getMessage()
                            + ". Give an address of this machine");
        }
    }

    /** The server that listens there. */
    public HttpServer server() {
        return server;
    }

    /** True if other machines can reach it. */
    public boolean isPublic() {
        return !loopback;
    }

    /** "http://host:port", with an address that other machines can use where it listens on all. */
    public String address() {
        String name = host;
        try {
            if (server.getAddress().getAddress().isAnyLocalAddress()) {
                name = bracketed(InetAddress.getLocalHost().getHostAddress());
            }
        } catch (UnknownHostException _) {
            name = "127.0.0.1";
        }
        return "http://" + name + ":" + port;
    }

    /** An IPv6 address as it stands in a URL. */
    private static String bracketed(String host) {
        return host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
    }

    /**
     * True if the header Host names this machine, at any port: it may be reached through another one, such as a container's. No
     * foreign name counts, whatever it was made to point to.
     */
    public boolean isNamed(Optional<String> header) {
        return header.isPresent() && isHost(Optional.of(header.get().replaceFirst(":\\d{1,5}$", "") + ":" + port));
    }

    /** True if the header Host names this site: by a name that can only mean it, or by an address. */
    boolean isHost(Optional<String> header) {
        String suffix = ":" + port;
        // Browsers leave out the port of http.
        Optional<String> full = port == HTTP ? header.map(h -> h.endsWith(suffix) ? h : h + suffix) : header;
        if (full.isEmpty() || !full.get().endsWith(suffix)) {
            return false;
        }
        String name = full.get().substring(0, full.get().length() - suffix.length()).toLowerCase(Locale.ROOT);
        return LOOPBACK.contains(name) || name.equalsIgnoreCase(host) || !loopback && isAddress(name);
    }

    /** A number, which no name server can point elsewhere. */
    private static boolean isAddress(String name) {
        return name.matches("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:.%]+]");
    }

    /**
     * True if the header Origin names this site.
     *
     * @param required whether a request without one is refused
     */
    public boolean isOrigin(Optional<String> origin, Optional<String> hostHeader, boolean required) {
        return origin.map(o -> o.equalsIgnoreCase("http://" + hostHeader.orElse(""))).orElse(!required);
    }
}
