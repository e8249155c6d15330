// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** Requests as any program could send them, with whatever headers. */
final class RawHttp {
    private final URI address;

    RawHttp(URI address) {
        this.address = address;
    }

    /** The token that the address carries. */
    String token() {
        return address.getQuery().substring("token=".length());
    }

    /** The header of a browser that has the token. */
    String cookie() {
        return "Cookie: eslm-" + address.getPort() + "=" + token();
    }

    String host() {
        return "Host: 127.0.0.1:" + address.getPort();
    }

    String origin() {
        return "Origin: http://127.0.0.1:" + address.getPort();
    }

    /** The whole answer to {@code "GET /path"} or the like with these headers, and no body. */
    String send(String line, String... headers) throws IOException {
        try (Socket socket = open(line, headers)) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The first line of the answer's status: "403". */
    String status(String line, String... headers) throws IOException {
        return send(line, headers).split(" ", 3)[1];
    }

    /** Sends the request and leaves the answer to the caller. */
    Socket open(String line, String... headers) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), address.getPort());
        String all = line + " HTTP/1.1\r\nConnection: close\r\n" + String.join("\r\n", headers) + "\r\n\r\n";
        socket.getOutputStream().write(all.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
        return socket;
    }
}
