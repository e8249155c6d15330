// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Where ranks meet: {@code HOST:PORT}, or {@code unix:PATH} on one host.
 *
 * @param host null for a Unix-domain socket; {@code port} is 0 there
 * @param path of a Unix-domain socket; null for one of the network
 */
public record Address(String host, int port, Path path) {
    private static final String UNIX = "unix:";
    private static final int UNIX_BUFFER = 1 << 21;
    /** Milliseconds that a host may take to answer. */
    private static final int CONNECT = 10_000;
    /** Bytes of the path of a Unix-domain socket, on every system. */
    private static final int LONGEST_PATH = 100;

    /** @throws UserError if {@code text} is no address */
    public static Address parse(String text) {
        if (text.startsWith(UNIX)) {
            String path = text.substring(UNIX.length());
            int bytes = path.getBytes(StandardCharsets.UTF_8).length;
            UserError.check(bytes > 0 && bytes < LONGEST_PATH && path.indexOf(0) < 0,
                    "%s: the path of a socket has 1 to %d bytes, none of them 0", text, LONGEST_PATH - 1);
            return new Address(null, 0, Path.of(path));
        }
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? text : text.substring(0, colon).replaceAll("^\\[|]$", "");
        String port = colon < 0 ? "" : text.substring(colon + 1);
        UserError.check(!host.isEmpty() && port.matches("\\d{1,5}") && Integer.parseInt(port) <= 65535,
                "%s: must be HOST:PORT, or unix:PATH", text);
        return new Address(host, Integer.parseInt(port), null);
    }

    boolean isUnix() {
        return path != null;
    }

    /** True if nobody outside this host can come there. A host's own name may lead there, too. */
    public boolean isLocal() {
        if (isUnix()) {
            return true;
        }
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (IOException _) {
            return false;
        }
    }

    /** True for a name that other hosts look up, too, whatever it leads to here. */
    boolean isNameOfHost() {
        return !isUnix() && !host.equals("localhost") && !host.startsWith("127.") && !host.contains(":");
    }

    /** @throws IOException if no host has that name */
    SocketAddress resolve() throws IOException {
        return isUnix() ? UnixDomainSocketAddress.of(path) : new InetSocketAddress(InetAddress.getByName(host), port);
    }

    /** The one at the other end of {@code channel}, with another port. */
    static Address of(SocketChannel channel, int port) throws IOException {
        return new Address(((InetSocketAddress) channel.getRemoteAddress()).getAddress().getHostAddress(), port, null);
    }

    /** A connection to here. */
    SocketChannel open() throws IOException {
        SocketAddress to = resolve();
        SocketChannel channel =
                isUnix() ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open();
        try {
            if (isUnix()) {
                channel.connect(to);
            } else {
                channel.socket().connect(to, CONNECT);
            }
            tune(channel);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Small messages go at once, and a host that is gone is noticed. TCP chooses the size of its buffers itself; a Unix-domain
     * socket does not, and its usual ones are too small for a process to use a whole slice of time.
     */
    static void tune(SocketChannel channel) throws IOException {
        if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        } else {
            channel.setOption(StandardSocketOptions.SO_SNDBUF, UNIX_BUFFER);
        }
    }

    @Override
    public String toString() {
        return isUnix() ? UNIX + path : (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
