// What a peer does with an offer, in the words of the W3C's RTCPeerConnection: it runs in Node and in a browser's page,
// so that it uses nothing from outside of it.

export async function answer(id, sdp, wrong, config) {
  const begin = async () => {
    const weak = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) };
    const certificates = wrong.includes("weak") ? { certificates: [await RTCPeerConnection.generateCertificate(weak)] } : {};
    const connection = new RTCPeerConnection({ ...config, ...certificates });
    const channel = connection.createDataChannel("bootstrap", { protocol: "http", negotiated: true, id: 0 });
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => {
      const request = typeof data === "string" ? data : new TextDecoder().decode(data);
      const body = '{"applications": []}\n';
      const found = request.startsWith("GET / ");
      const status = found ? "200 OK" : request.startsWith("GET ") ? "404 Not Found" : "405 Method Not Allowed";
      channel.send(`HTTP/1.1 ${status}\r\nContent-Length: ${found ? body.length : 0}\r\n\r\n${found ? body : ""}`);
    };
    return connection;
  };
  const peers = (globalThis.peers ??= new Map());
  if (!peers.has(id)) peers.set(id, await begin()); // or else it is a later offer of the same call
  const connection = peers.get(id);
  await connection.setRemoteDescription({ type: "offer", sdp });
  await connection.setLocalDescription(await connection.createAnswer());
  for (let waited = 0; connection.iceGatheringState !== "complete" && waited < 5000; waited += 20)
    await new Promise((done) => setTimeout(done, 20)); // not every stack tells of the end by an event
  return connection.localDescription.sdp;
}

export function close(id) {
  globalThis.peers?.get(id)?.close();
  globalThis.peers?.delete(id);
}
